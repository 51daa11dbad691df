#include "learner/algorithms/algorithm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

#include "common/config/experiment_validation.h"
#include "tests/testing/fake_training_context.h"
#include "tests/testing/training_inputs.h"

namespace understudy {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

TEST(AlgorithmTable, HasEveryAlgorithmThatExperimentsMayName) {
  for (const std::string& name : AlgorithmNames()) EXPECT_TRUE(FindAlgorithm(name).ok()) << name;
}

TEST(AlgorithmTable, AnUnknownNameIsRefusedWithTheListOfThoseThatThereAre) {
  const absl::Status status = FindAlgorithm("dagger").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"dagger\": expected one of: bc, ppo"));
}

class ThrowingContext : public testing::FakeTrainingContext {
 public:
  absl::Status Start(std::shared_ptr<Order>, std::shared_ptr<const PolicySnapshot>, bool) override {
    throw std::length_error("vector::reserve");
  }
};

TEST(AlgorithmTable, ExceptionsOfLibrariesBecomeAStatusThatNamesTheAlgorithm) {
  ThrowingContext context;
  const absl::Status status = (*FindAlgorithm("ppo"))(testing::CartPoleTraining("algorithm: 'ppo'"), context).status();
  EXPECT_EQ(status, absl::InternalError("algorithm ppo: vector::reserve"));
}

TEST(AlgorithmTable, ADeviceThatIsNotThereFailsTheTrainingByName) {
  TrainingInput input = testing::CartPoleTraining("algorithm: 'ppo' device: 'cuda'");
  testing::FakeTrainingContext context;
  const absl::Status status = (*FindAlgorithm("ppo"))(input, context).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  // With LibTorch, which has no CUDA here; or without LibTorch.
  EXPECT_THAT(std::string(status.message()), AnyOf(HasSubstr("device cuda: "), HasSubstr("LibTorch is needed: ")));
}

}  // namespace
}  // namespace understudy
