#include "coordinator/learner_reports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "coordinator/storage/data_directory.h"
#include "tests/coordinator/storage/temporary_directory.h"
#include "tests/testing/trajectory_batches.h"
#include "tests/testing/unreachable_store.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;
using ::understudy::testing::TestSnapshot;

// Stage 0 trains the policy expert, of which two versions have been published; stage 1 collects.
class LearnerReports : public ::testing::Test {
 protected:
  LearnerReports() {
    experiment_.set_id("e1");
    experiment_.mutable_spec()->set_environment("CartPole-v1");
    experiment_.mutable_spec()->add_stages()->mutable_train()->set_policy("expert");
    experiment_.mutable_spec()->add_stages()->mutable_collect()->set_policy("expert");
    for (int stage = 0; stage < 2; ++stage) experiment_.add_stages();
    for (int version = 1; version <= 2; ++version) {
      EXPECT_EQ(store_.AddPolicy(*TestSnapshot("expert", version), {}).value(), version);
    }
  }

  absl::Status Finish(int64_t version, const std::string& digest) {
    v1::FinishStageRequest request;
    request.mutable_result()->set_policy_version(version);
    request.mutable_result()->set_policy_digest(digest);
    return CheckFinish(experiment_, request, store_);
  }

  void ExpectRefused(const absl::Status& status, const std::string& message) {
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(message));
  }

  v1::Experiment experiment_;
  const testing::TemporaryDirectory directory_;
  const std::unique_ptr<DataDirectory> data_ =
      DataDirectory::Open(directory_.File("data"), DataDirectory::Mode::kCreate).value();
  testing::UnreachableStore store_{data_->store()};
};

TEST_F(LearnerReports, APublicationIsTheStagesPolicyAndFitsTheEnvironment) {
  v1::PolicyHeader policy = TestSnapshot("expert", 1)->header;
  EXPECT_TRUE(CheckPublication(experiment_, 0, policy).ok());
  ExpectRefused(CheckPublication(experiment_, 1, policy), "cannot publish policy expert");
  policy.set_name("other");
  ExpectRefused(CheckPublication(experiment_, 0, policy), "cannot publish policy other: expected expert");
  policy.set_name("expert");
  policy.mutable_action_space()->mutable_discrete()->set_n(3);
  ExpectRefused(CheckPublication(experiment_, 0, policy), "Discrete(3), expected those of CartPole-v1");
}

TEST_F(LearnerReports, AStageEndsWithAVersionThatItHasPublished) {
  EXPECT_TRUE(Finish(1, TestSnapshot("expert", 1)->Digest()).ok());
  EXPECT_TRUE(Finish(2, TestSnapshot("expert", 2)->Digest()).ok());
  const std::string digest = TestSnapshot("expert", 2)->Digest();
  ExpectRefused(Finish(0, digest), "finished with policy expert@0");  // which would mean the latest
  ExpectRefused(Finish(-1, digest), "finished with policy expert@-1");
  ExpectRefused(Finish(3, digest), "policy 'expert' has no version 3, it has versions 1 to 2");
  ExpectRefused(Finish(1, digest), ToHex(TestSnapshot("expert", 1)->Digest()).substr(0, 12));
  ExpectRefused(Finish(2, ""), "which it has not published");
}

TEST_F(LearnerReports, AStageEndsWithAnErrorWhateverTheStoreSays) {
  v1::FinishStageRequest request;
  ExpectRefused(CheckFinish(experiment_, request, store_), "neither a result nor an error");
  request.set_error("the loss is not finite");
  store_.away = true;
  EXPECT_TRUE(CheckFinish(experiment_, request, store_).ok());
  EXPECT_TRUE(absl::IsUnavailable(Finish(2, TestSnapshot("expert", 2)->Digest())));
}

TEST_F(LearnerReports, OnlyTrainingIsFinishedByALearner) {
  v1::FinishStageRequest request;
  request.mutable_stage()->set_stage(1);
  request.set_error("no");
  ExpectRefused(CheckFinish(experiment_, request, store_), "is not finished by a learner");
}

}  // namespace
}  // namespace understudy
