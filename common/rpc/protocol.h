// What both ends of every connection must agree on: the version of the protocol, the size of messages, and which stage
// they speak of.
#ifndef UNDERSTUDY_COMMON_RPC_PROTOCOL_H_
#define UNDERSTUDY_COMMON_RPC_PROTOCOL_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "understudy/v1/policy.pb.h"

namespace understudy {

// Every process checks this version in the first message of a stream.
inline constexpr uint32_t kProtocolVersion = 6;
// The largest message that any server or client here accepts.
inline constexpr int kMaxMessageBytes = 64 << 20;

// Returns whether two keys are those of one stage in one epoch.
inline bool SameStage(const v1::StageKey& a, const v1::StageKey& b) {
  return a.experiment_id() == b.experiment_id() && a.stage() == b.stage() && a.epoch() == b.epoch();
}

// Names a stage in words. The number counts from 1, as everywhere where users see it; the message holds an index from
// 0.
inline std::string StageText(const v1::StageKey& stage) {
  return absl::StrCat("experiment '", stage.experiment_id(), "' stage ", stage.stage() + 1, " epoch ", stage.epoch());
}

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_PROTOCOL_H_
