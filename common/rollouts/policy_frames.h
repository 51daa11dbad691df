// Messages with the chunks of a policy, as bytes for gRPC to send.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_POLICY_FRAMES_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_POLICY_FRAMES_H_

#include <grpcpp/support/byte_buffer.h>

#include <cstddef>
#include <memory>

#include "common/snapshot/policy_snapshot.h"

namespace understudy {

// Returns a serialised SinkMessage with chunk `index` of a snapshot (see MakeChunk). The parameters in it are not
// copied: the bytes refer to the snapshot's memory, and hold the snapshot for as long as gRPC needs it.
grpc::ByteBuffer MakePolicyFrame(std::shared_ptr<const PolicySnapshot> snapshot, size_t index);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_POLICY_FRAMES_H_
