// Records the steps of an actor's lanes as trajectories, and packs the finished ones into a request's results.
#ifndef UNDERSTUDY_ACTOR_TRAJECTORY_RECORDER_H_
#define UNDERSTUDY_ACTOR_TRAJECTORY_RECORDER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "understudy/v1/rollouts.pb.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// One transition, except for the observation that it began at.
struct RecordedStep {
  int32_t action = 0;
  float reward = 0;
  float log_prob = 0;
  std::span<const float> logits = {};  // empty: not recorded
  std::span<const float> value = {};   // one number, or empty: not recorded
  std::span<const float> next_observation = {};
};

// Holds the trajectories of one lane, in the order of time, in the columns of a TrajectoryBatch. It keeps its memory
// from one use to the next. Thread-compatible.
class TrajectoryRecorder {
 public:
  // Begins a trajectory at this observation. The trajectory before must have ended.
  void Begin(int64_t slot, int64_t episode, int64_t first_step, std::span<const float> observation);
  // Appends a step to the trajectory.
  void Add(const RecordedStep& step);
  // Ends the trajectory. With neither flag it was cut, and its episode goes on.
  void End(bool terminated, bool truncated);

  // Returns the bytes of all columns.
  int64_t bytes() const;
  // Appends everything to the columns of a batch, and empties the recorder.
  void MoveTo(v1::TrajectoryBatch& batch);
  // Forgets everything.
  void Clear();

 private:
  std::vector<v1::Trajectory> trajectories_;
  std::string observations_;
  std::string actions_;
  std::string rewards_;
  std::string log_probs_;
  std::string logits_;
  std::string values_;
};

// Receives each result of a request; the last one has `last` set. The receiver may take the content away, or leave it
// for its memory to be reused. An error ends the request with this error.
using EmitResult = std::function<absl::Status(v1::RolloutResult&)>;

// Packs the episodes or segments of one request into results of about 1 MiB. Thread-compatible.
class ResultBuilder {
 public:
  // All references must outlive the builder. It builds each result in `buffer`, whose memory it reuses.
  ResultBuilder(const v1::RolloutRequest& request, const std::string& environment, const EmitResult& emit,
                v1::RolloutResult& buffer);

  // Adds all that the recorder holds, and empties it. That is one episode; or one segment, with the state that its slot
  // has reached. Emits the results that this fills.
  // FAILED_PRECONDITION: the episode or segment alone is larger than any batch may be. Otherwise `emit`'s error.
  absl::Status Add(TrajectoryRecorder& recorder, std::optional<v1::SlotState> state = std::nullopt);

  // Emits what was added since, as the last result. `emit`'s error.
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

#endif  // UNDERSTUDY_ACTOR_TRAJECTORY_RECORDER_H_
