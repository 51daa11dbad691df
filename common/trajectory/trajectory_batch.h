// A TrajectoryBatch: where each trajectory is in its columns, and the one check that every batch passes when it enters
// a process.
#ifndef UNDERSTUDY_COMMON_TRAJECTORY_TRAJECTORY_BATCH_H_
#define UNDERSTUDY_COMMON_TRAJECTORY_TRAJECTORY_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// What a receiver expects of a batch.
struct BatchExpectation {
  v1::EnvironmentSpec environment;
  std::string policy;
  int64_t policy_version = 0;
  v1::ActionMode action_mode = v1::ACTION_MODE_SAMPLE;
  bool record_logits = false;
  bool record_value = false;
};

// Bounds on one batch. A CartPole transition has 28 bytes, so 60 MiB of columns hold some 2.2 million of them. The rest
// of a message (kMaxMessageBytes in common/rpc/protocol.h) is left for other fields.
inline constexpr int64_t kMaxTrajectoriesPerBatch = 65536;
inline constexpr int64_t kMaxBatchBytes = int64_t{60} << 20;

// Checks a batch from outside, in one pass over its bytes. The environment in `expected` must be valid. Thread-safe.
// INVALID_ARGUMENT names the column or trajectory, what was found, and what was expected, unless:
// - environment, policy, policy version and action mode are the expected ones;
// - there is a trajectory, and one is truncated exactly if it ends at the last step that the environment allows;
// - each column has the length that the trajectories' steps need, and is aligned to its elements (as every std::string
//   of libstdc++ is), since later readers use columns in place;
// - all numbers are finite, actions are in the action space, and log-probabilities are at most 0, up to rounding.
absl::Status ValidateBatch(const v1::TrajectoryBatch& batch, const BatchExpectation& expected);

// One trajectory's part of each column. The spans point into the batch, which must be valid and outlive them.
struct TrajectoryView {
  const v1::Trajectory* trajectory = nullptr;
  std::span<const float> observations;  // (T + 1) × observation size
  std::span<const std::byte> actions;   // T × action element bytes
  std::span<const float> rewards;       // T
  std::span<const float> log_probs;     // T
  std::span<const float> logits;        // T × n, or empty
  std::span<const float> values;        // T, or empty
};

// Returns the views of all trajectories of a valid batch, in order.
std::vector<TrajectoryView> ViewTrajectories(const v1::TrajectoryBatch& batch, const v1::EnvironmentSpec& environment);

// Appends one trajectory of a valid batch to `target`. The caller sets the environment, policy and so on of `target`.
void AppendTrajectory(const TrajectoryView& view, v1::TrajectoryBatch& target);

// Returns the bytes of one action: 4 (discrete) or 4 × action size.
int64_t ActionBytes(const v1::EnvironmentSpec& environment);

// Returns the sum of a trajectory's rewards, in double, in order.
double UndiscountedReturn(const TrajectoryView& view);

// Summary of a whole episode whose steps are not at hand.
struct EpisodeOutcome {
  int64_t number = 0;
  int64_t steps = 0;
  double undiscounted_return = 0;
  bool operator==(const EpisodeOutcome&) const = default;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_TRAJECTORY_TRAJECTORY_BATCH_H_
