// One rollout request, from its beginning to its end.
#ifndef UNDERSTUDY_ACTOR_ROLLOUT_RUN_H_
#define UNDERSTUDY_ACTOR_ROLLOUT_RUN_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "actor/trajectory_recorder.h"
#include "actor/vector_environment.h"
#include "common/policy/policy.h"
#include "common/process/cancellation.h"
#include "understudy/v1/rollouts.pb.h"

namespace understudy {

// Memory that requests hand on: the first that needs it makes it grow, the later ones allocate nothing for a step.
struct RolloutBuffers {
  std::vector<TrajectoryRecorder> recorders;  // one a lane
  v1::RolloutResult result;
};

// The lanes that work are the first ones, and inference computes no other rows: when one has nothing left to do, those
// behind it move up. A step is taken by all of them at once, one part of it after the other, so that the processor
// works on many lanes' chains of operations at a time. Thread-compatible; to be run once.
class RolloutRun {
 public:
  // Everything must outlive it; the request has passed CheckRequest.
  RolloutRun(const v1::RolloutRequest& request, const Policy& policy, VectorEnvironment& environments,
             RolloutBuffers& buffers, const EmitResult& emit);

  // As RolloutWorker::Run.
  absl::Status Run(const Cancellation& cancellation);

 private:
  // What a lane works on. Episodes: `number` is the episode; segments: it is the slot, and `steps` counts towards
  // `end`.
  struct Lane {
    bool active = false;
    int64_t number = 0;
    int64_t episode = 0;
    int64_t episode_step = 0;
    int64_t steps = 0;
    int64_t end = 0;
  };

  // Gives a lane the next number, or lets it rest.
  absl::Status StartNext(size_t index);
  // Takes a slot up where it stands.
  absl::Status Resume(size_t index);
  void Reset(size_t index);
  absl::Status Begin(size_t index);

  // The parts of a step.
  absl::Status StepAll(const Cancellation& cancellation);
  absl::Status Infer();
  void ChooseActions();
  absl::Status StepEnvironments(const Cancellation& cancellation);
  absl::Status Record(size_t index);
  absl::Status ContinueEpisode(size_t index, bool ended);
  absl::Status ContinueSlot(size_t index, bool ended);
  // Lanes that rest go behind those that work.
  void MoveUp();

  std::span<const float> Logits(size_t index) const;
  // Empty where values are not recorded.
  std::span<const float> Value(size_t index) const;
  absl::Status Failure(size_t index, const std::string& what) const;

  const v1::RolloutRequest& request_;
  const Policy& policy_;
  VectorEnvironment& environments_;
  std::vector<TrajectoryRecorder>& recorders_;
  const bool greedy_;
  const bool segments_;
  const bool record_logits_;
  const bool record_value_;
  int64_t next_;
  const int64_t end_;
  size_t active_ = 0;  // lanes [0, active_)
  // Of each lane.
  std::vector<Lane> lanes_;
  std::vector<float> logits_;
  std::vector<float> values_;
  std::vector<int32_t> actions_;
  std::vector<float> log_probs_;
  std::vector<StepOutcome> outcomes_;
  std::vector<float> rewards_;
  ResultBuilder results_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_ACTOR_ROLLOUT_RUN_H_
