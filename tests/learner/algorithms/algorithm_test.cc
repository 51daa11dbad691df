#include "learner/algorithms/algorithm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/config/experiment_validation.h"
#include "tests/testing/fake_training_context.h"
#include "tests/testing/training_inputs.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;

TEST(AlgorithmTable, HasEveryAlgorithmThatExperimentsMayName) {
  for (const std::string& name : AlgorithmNames()) EXPECT_TRUE(FindAlgorithm(name).ok()) << name;
}

TEST(AlgorithmTable, AnUnknownNameIsRefusedWithTheListOfThoseThatThereAre) {
  const absl::Status status = FindAlgorithm("dagger").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"dagger\": expected one of: bc, ppo"));
}

TEST(AlgorithmTable, ExceptionsOfLibTorchBecomeAStatusThatNamesTheAlgorithm) {
  TrainingInput input = testing::CartPoleTraining("algorithm: 'ppo'");
  input.stage.set_threads(0);  // LibTorch throws
  testing::FakeTrainingContext context;
  const absl::Status status = (*FindAlgorithm("ppo"))(input, context).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("algorithm ppo: "));
}

}  // namespace
}  // namespace understudy
