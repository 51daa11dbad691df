// The constants on which both ends of every connection must agree.
#ifndef UNDERSTUDY_COMMON_RPC_PROTOCOL_H_
#define UNDERSTUDY_COMMON_RPC_PROTOCOL_H_

#include <cstdint>

namespace understudy {

// Every process checks this version in the first message of a stream.
inline constexpr uint32_t kProtocolVersion = 6;
// The largest message that any server or client here accepts.
inline constexpr int kMaxMessageBytes = 64 << 20;

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_PROTOCOL_H_
