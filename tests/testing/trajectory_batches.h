// Valid CartPole-v1 content for tests: the same arguments always give the same bytes.
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

// CartPole-v1, as the registry has it.
v1::EnvironmentSpec CartPoleSpec();

// Every number in a trajectory is a function of these and of its step: an episode looks the same in whatever batch.
struct BatchOptions {
  std::string policy = "expert";
  int64_t version = 1;
  v1::ActionMode action_mode = v1::ACTION_MODE_SAMPLE;
  bool record = false;  // logits and values
};

// What a receiver expects of batches with these options.
BatchExpectation ExpectationOf(const BatchOptions& options);

// Whole episodes with these numbers, `steps_each` ≤ 500 steps long. They end terminated, those of 500 steps truncated.
v1::TrajectoryBatch EpisodeBatch(const std::vector<int64_t>& episodes, int64_t steps_each,
                                 const BatchOptions& options = {});

// Appends a trajectory with these numbers and flags to a batch that was made with the same options. `steps` ≥ 1.
void AddTrajectory(const v1::Trajectory& trajectory, const BatchOptions& options, v1::TrajectoryBatch& batch);

// A policy for CartPole-v1 with one hidden layer of four. Different names or versions have different parameters.
std::shared_ptr<const PolicySnapshot> TestSnapshot(const std::string& name, int64_t version);

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_TESTING_TRAJECTORY_BATCHES_H_
