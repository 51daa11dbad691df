#include "coordinator/experiment_uses.h"

#include <gtest/gtest.h>

#include <string>

namespace understudy {
namespace {

// Trains "expert", collects "demos" with what that makes, trains "clone" on them from other@7, and evaluates "clone".
// The first `done` stages have succeeded.
v1::Experiment Canonical(int done) {
  v1::Experiment experiment;
  v1::ExperimentSpec& spec = *experiment.mutable_spec();
  spec.add_stages()->mutable_train()->set_policy("expert");
  spec.add_stages()->mutable_collect()->set_dataset("demos");
  spec.add_stages()->mutable_train()->set_policy("clone");
  spec.mutable_stages(2)->mutable_train()->set_dataset("demos");
  spec.add_stages()->mutable_evaluate();
  for (int i = 0; i < 4; ++i) {
    experiment.add_stages()->set_status(i < done ? v1::STATUS_SUCCEEDED : v1::STATUS_PENDING);
  }
  const auto use = [&](int stage, const std::string& name, int64_t version) {
    experiment.mutable_stages(stage)->mutable_uses()->set_name(name);
    experiment.mutable_stages(stage)->mutable_uses()->set_version(version);
  };
  use(1, "expert", 0);
  use(2, "other", 7);
  use(3, "clone", 0);
  if (done > 0) experiment.mutable_stages(0)->mutable_train()->set_policy("expert");
  if (done > 0) experiment.mutable_stages(0)->mutable_train()->set_policy_version(3);
  return experiment;
}

TEST(UsesDataset, FromTheStageThatMakesItToTheLastThatReadsIt) {
  EXPECT_TRUE(UsesDataset(Canonical(0), "demos"));
  EXPECT_TRUE(UsesDataset(Canonical(2), "demos"));
  EXPECT_FALSE(UsesDataset(Canonical(3), "demos"));
  EXPECT_FALSE(UsesDataset(Canonical(0), "others"));
  EXPECT_FALSE(UsesDataset(Canonical(0), ""));
}

TEST(UsesPolicy, AnyVersionOfANameThatIsStillToBeMade) {
  EXPECT_TRUE(UsesPolicy(Canonical(0), "expert", 1));
  EXPECT_TRUE(UsesPolicy(Canonical(1), "clone", 1));
}

TEST(UsesPolicy, TheVersionThatAnEarlierStageMadeAndTheOneThatIsNamed) {
  EXPECT_TRUE(UsesPolicy(Canonical(1), "expert", 3));
  EXPECT_FALSE(UsesPolicy(Canonical(1), "expert", 2));
  EXPECT_TRUE(UsesPolicy(Canonical(1), "expert", 0)) << "all of them";
  EXPECT_FALSE(UsesPolicy(Canonical(2), "expert", 3)) << "nothing acts with it any more";
  EXPECT_TRUE(UsesPolicy(Canonical(2), "other", 7));
  EXPECT_FALSE(UsesPolicy(Canonical(2), "other", 6));
  EXPECT_FALSE(UsesPolicy(Canonical(3), "other", 7));
}

}  // namespace
}  // namespace understudy
