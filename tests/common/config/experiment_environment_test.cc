#include "common/config/experiment_environment.h"

#include <gtest/gtest.h>

#include "common/config/experiment_file.h"

namespace understudy {
namespace {

constexpr char kRest[] = "name: e\nenvironment: CartPole-v0\nstages:\n  - evaluate: {policy: p}\n";

v1::EnvironmentSpec Read(const std::string& text) { return EnvironmentOf(ParseExperiment(text, "f").value()).value(); }

TEST(ExperimentEnvironment, HasTheLatencyThatTheFileGives) {
  EXPECT_EQ(Read(std::string(kRest) + "step_latency: 5ms\n").step_latency_us(), 5'000);
  EXPECT_EQ(Read(std::string(kRest) + "step_latency: 1.5s\n").step_latency_us(), 1'500'000);
  EXPECT_EQ(Read(std::string(kRest) + "step_latency: 10s\n").step_latency_us(), 10'000'000);
  EXPECT_EQ(Read(kRest).step_latency_us(), 0);
}

TEST(ExperimentEnvironment, IsWhatTheEnvironmentDeclares) {
  EXPECT_EQ(Read(kRest).name(), "CartPole-v0");
  EXPECT_EQ(Read(kRest).max_episode_steps(), 200);
}

TEST(ExperimentEnvironment, TakesNoLatencyForNone) {
  v1::ExperimentSpec stored_before;
  stored_before.set_environment("CartPole-v1");
  EXPECT_EQ(EnvironmentOf(stored_before).value().step_latency_us(), 0);
  stored_before.set_environment("Pong");
  EXPECT_TRUE(absl::IsNotFound(EnvironmentOf(stored_before).status()));
}

}  // namespace
}  // namespace understudy
