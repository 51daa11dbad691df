// The layout of a TrajectoryBatch: which bytes of its columns belong to which trajectory. ValidateBatch is here too:
// the one check that every batch passes when it enters a process.
#ifndef UNDERSTUDY_COMMON_TRAJECTORY_TRAJECTORY_LAYOUT_H_
#define UNDERSTUDY_COMMON_TRAJECTORY_TRAJECTORY_LAYOUT_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
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

// Bounds on one batch. A CartPole transition has 28 bytes: 60 MiB of columns hold some 2.2 million, and leave room for
// the rest of a message (kMaxMessageBytes in common/rpc/protocol.h).
inline constexpr int64_t kMaxTrajectoriesPerBatch = 65536;
inline constexpr int64_t kMaxBatchBytes = int64_t{60} << 20;

// Checks a batch's names, counts and column lengths. Numbers must be finite, actions within the space, and
// log-probabilities at most 0 (up to rounding; greedy batches record log-probabilities too). There must be a
// trajectory. A trajectory must be truncated exactly if it ends at the last step that `expected.environment` allows.
// That environment must be valid.
// All later readers use the columns in place, so columns must be aligned to their elements, as every std::string of
// libstdc++ is. Costs one pass over the bytes. Thread-safe.
// INVALID_ARGUMENT: says which column or trajectory is wrong, what was found and what was expected.
absl::Status ValidateBatch(const v1::TrajectoryBatch& batch, const BatchExpectation& expected);

// One trajectory's part of each column. The spans are views into a valid batch, which must outlive them.
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

// Returns the number of bytes of one action: 4 (discrete) or 4 × action size.
int64_t ActionBytes(const v1::EnvironmentSpec& environment);

// Appends one trajectory of a valid batch to `target`, whose stamps (environment, policy …) the caller sets.
void AppendTrajectory(const TrajectoryView& view, v1::TrajectoryBatch& target);

// What is remembered of a whole episode when its steps are not at hand.
struct EpisodeOutcome {
  int64_t number = 0;
  int64_t steps = 0;
  double undiscounted_return = 0;
  bool operator==(const EpisodeOutcome&) const = default;
};

// Returns the sum of rewards. It is added up in double, in order.
double UndiscountedReturn(const TrajectoryView& view);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_TRAJECTORY_TRAJECTORY_LAYOUT_H_
