// Puts finished episodes and segments together to the results of one request.
#ifndef UNDERSTUDY_ACTOR_RESULT_BUILDER_H_
#define UNDERSTUDY_ACTOR_RESULT_BUILDER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "actor/trajectory_recorder.h"
#include "understudy/v1/rollouts.pb.h"

namespace understudy {

// Thread-compatible.
class ResultBuilder {
 public:
  // `request` and `emit` must outlive it; `emit` is given each result.
  ResultBuilder(const v1::RolloutRequest& request, const std::string& environment,
                const std::function<absl::Status(v1::RolloutResult)>& emit);

  // Takes all that the recorder holds: an episode; or a segment, with where its slot stands now. FAILED_PRECONDITION:
  // it alone is larger than any batch may be. Or the error of `emit`.
  absl::Status Add(TrajectoryRecorder& recorder, std::optional<v1::SlotState> state = std::nullopt);

  // Emits what there is as the last result.
  absl::Status Finish();

 private:
  void BeginResult();
  absl::Status Emit(bool last);

  const v1::RolloutRequest& request_;
  const std::string environment_;
  const std::function<absl::Status(v1::RolloutResult)>& emit_;
  v1::RolloutResult result_;
  int64_t bytes_ = 0;
  uint32_t next_sequence_ = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_ACTOR_RESULT_BUILDER_H_
