// What policies and training algorithms are made from, for tests.
#ifndef UNDERSTUDY_TESTS_TESTING_TRAINING_INPUTS_H_
#define UNDERSTUDY_TESTS_TESTING_TRAINING_INPUTS_H_

#include <memory>
#include <string>

#include "common/policy/policy.h"
#include "learner/algorithms/algorithm.h"

namespace understudy::testing {

// A header for CartPole-v1. `network`: a NetworkSpec in protobuf text format; an mlp, tanh, separate unless it says
// otherwise.
v1::PolicyHeader CartPoleHeader(const std::string& network);

// A stage on CartPole-v1. `stage`: a TrainStage in protobuf text format; absent fields get their defaults.
TrainingInput CartPoleTraining(const std::string& stage);

// Whether two snapshots hold the same parameters, bit for bit.
bool SameParameters(const PolicySnapshot& a, const PolicySnapshot& b);

// "expert@1" for CartPole-v1, made by hand: it pushes towards where the pole is falling, and balances it to the end of
// most episodes.
std::shared_ptr<const PolicySnapshot> BalancingExpert();

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_TESTING_TRAINING_INPUTS_H_
