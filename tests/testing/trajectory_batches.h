// Makes valid CartPole-v1 content for tests. The same arguments always give the same bytes.
#ifndef UNDERSTUDY_TESTS_TESTING_TRAJECTORY_BATCHES_H_
#define UNDERSTUDY_TESTS_TESTING_TRAJECTORY_BATCHES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/snapshot/policy_snapshot.h"
#include "common/trajectory/trajectory_layout.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy::testing {

// Returns the specification of CartPole-v1, as the registry has it.
v1::EnvironmentSpec CartPoleSpec();

// The options of a batch. Every number in a trajectory is a function of these and of its step, so an episode looks the
// same in every batch.
struct BatchOptions {
  std::string policy = "expert";
  int64_t version = 1;
  v1::ActionMode action_mode = v1::ACTION_MODE_SAMPLE;
  bool record = false;  // logits and values
};

// Returns what a receiver expects of batches with these options.
BatchExpectation ExpectationOf(const BatchOptions& options);

// Makes a batch of whole episodes with these numbers, each `steps_each` ≤ 500 steps long. They end terminated; those of
// 500 steps end truncated.
v1::TrajectoryBatch EpisodeBatch(const std::vector<int64_t>& episodes, int64_t steps_each,
                                 const BatchOptions& options = {});

// Appends a trajectory with these numbers and flags to a batch that was made with the same options. `steps` ≥ 1.
void AddTrajectory(const v1::Trajectory& trajectory, const BatchOptions& options, v1::TrajectoryBatch& batch);

// Makes a policy for CartPole-v1 with one hidden layer of four. Different names or versions have different parameters.
std::shared_ptr<const PolicySnapshot> TestSnapshot(const std::string& name, int64_t version);

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_TESTING_TRAJECTORY_BATCHES_H_
