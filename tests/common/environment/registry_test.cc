#include "common/environment/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/environment/spaces.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Registry, ListsItsNamesInOrder) { EXPECT_THAT(EnvironmentNames(), ElementsAre("CartPole-v0", "CartPole-v1")); }

TEST(Registry, MakesEveryEnvironmentThatItNames) {
  for (const std::string& name : EnvironmentNames()) {
    const auto spec = FindEnvironmentSpec(name);
    ASSERT_TRUE(spec.ok()) << name;
    EXPECT_EQ(spec->name(), name);
    EXPECT_GT(spec->max_episode_steps(), 0);
    EXPECT_TRUE(ValidateSpace(spec->observation_space()).ok()) << name;
    EXPECT_TRUE(ValidateSpace(spec->action_space()).ok()) << name;
    ASSERT_TRUE(MakeEnvironment(name).ok()) << name;
  }
}

TEST(Registry, DeclaresCartPoleAsGymnasiumDoes) {
  EXPECT_EQ(FindEnvironmentSpec("CartPole-v0")->max_episode_steps(), 200);
  const v1::EnvironmentSpec spec = *FindEnvironmentSpec("CartPole-v1");
  EXPECT_EQ(spec.max_episode_steps(), 500);
  EXPECT_EQ(SpaceText(spec.observation_space()),
            "Box(4; low -4.80000019 -inf -0.418879032 -inf; high 4.80000019 inf 0.418879032 inf)");
  EXPECT_EQ(SpaceText(spec.action_space()), "Discrete(2)");
}

TEST(Registry, AnswersAnUnknownNameWithThoseThatThereAre) {
  const absl::Status status = FindEnvironmentSpec("CartPole-v2").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("found \"CartPole-v2\", expected one of CartPole-v0, CartPole-v1"));
  EXPECT_EQ(MakeEnvironment("").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace understudy
