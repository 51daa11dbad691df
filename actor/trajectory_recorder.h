// Records what one lane does, until it goes into a batch.
#ifndef UNDERSTUDY_ACTOR_TRAJECTORY_RECORDER_H_
#define UNDERSTUDY_ACTOR_TRAJECTORY_RECORDER_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// One transition, but for the observation that it began at.
struct RecordedStep {
  int32_t action = 0;
  float reward = 0;
  float log_prob = 0;
  std::span<const float> logits = {};  // empty: not recorded
  std::span<const float> value = {};   // one number, or empty: not recorded
  std::span<const float> next_observation = {};
};

// Trajectories in the order of time, in the columns of a TrajectoryBatch. Keeps its memory from use to use.
// Thread-compatible.
class TrajectoryRecorder {
 public:
  // A trajectory begins at this observation. The one before must have ended.
  void Begin(int64_t slot, int64_t episode, int64_t first_step, std::span<const float> observation);
  void Add(const RecordedStep& step);
  // The trajectory that was begun ends here; neither flag: it was cut.
  void End(bool terminated, bool truncated);

  // Bytes of all columns.
  int64_t bytes() const;
  // Appends everything to the columns of a batch, and is empty then.
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

}  // namespace understudy

#endif  // UNDERSTUDY_ACTOR_TRAJECTORY_RECORDER_H_
