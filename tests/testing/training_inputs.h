// Makes inputs for policies and training algorithms, for tests.
#ifndef UNDERSTUDY_TESTS_TESTING_TRAINING_INPUTS_H_
#define UNDERSTUDY_TESTS_TESTING_TRAINING_INPUTS_H_

#include <memory>
#include <string>

#include "common/policy/policy.h"
#include "learner/algorithms/algorithm.h"

namespace understudy::testing {

// Makes a policy header for CartPole-v1. `network` is a NetworkSpec in protobuf text format; an mlp, tanh, separate
// unless it says otherwise.
v1::PolicyHeader CartPoleHeader(const std::string& network);

// Makes a stage on CartPole-v1. `stage` is a TrainStage in protobuf text format; absent fields get their defaults.
TrainingInput CartPoleTraining(const std::string& stage);

// Returns whether two snapshots hold the same parameters, bit for bit.
bool SameParameters(const PolicySnapshot& a, const PolicySnapshot& b);

// Returns the policy "expert@1" for CartPole-v1, made by hand. It pushes towards where the pole is falling, and
// balances it to the end of most episodes.
std::shared_ptr<const PolicySnapshot> BalancingExpert();

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_TESTING_TRAINING_INPUTS_H_
