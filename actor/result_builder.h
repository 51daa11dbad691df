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

// Takes each result of a request, the last one with `last`: its content may be taken away, or left to be reused. An
// error ends the request with it.
using EmitResult = std::function<absl::Status(v1::RolloutResult&)>;

// Thread-compatible.
class ResultBuilder {
 public:
  // References must outlive it. Results are made in `buffer`, whatever was in it, with the memory that it has.
  ResultBuilder(const v1::RolloutRequest& request, const std::string& environment, const EmitResult& emit,
                v1::RolloutResult& buffer);

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
  const EmitResult& emit_;
  v1::RolloutResult& result_;
  int64_t bytes_ = 0;
  uint32_t next_sequence_ = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_ACTOR_RESULT_BUILDER_H_
