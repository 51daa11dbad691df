// Compares stage keys, and puts them into words for logs.
#ifndef UNDERSTUDY_COMMON_RPC_STAGE_KEY_H_
#define UNDERSTUDY_COMMON_RPC_STAGE_KEY_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "understudy/v1/policy.pb.h"

namespace understudy {

inline bool SameStage(const v1::StageKey& a, const v1::StageKey& b) {
  return a.experiment_id() == b.experiment_id() && a.stage() == b.stage() && a.epoch() == b.epoch();
}

// Names a stage in words. The number counts from 1, as everywhere where users see it; the message holds an index from
// 0.
inline std::string StageText(const v1::StageKey& stage) {
  return absl::StrCat("experiment '", stage.experiment_id(), "' stage ", stage.stage() + 1, " epoch ", stage.epoch());
}

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_STAGE_KEY_H_
