#include "cli/dataset_export.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_split.h"

namespace understudy {
namespace {

template <typename Number>
std::string Bytes(const std::vector<Number>& numbers) {
  return std::string(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(Number));
}

// Two numbers to observe, three actions.
v1::EnvironmentSpec SmallSpec() {
  v1::EnvironmentSpec spec;
  spec.mutable_observation_space()->mutable_box()->add_shape(2);
  spec.mutable_action_space()->mutable_discrete()->set_n(3);
  return spec;
}

// Episode 4: two steps, then terminated.
v1::TrajectoryBatch TwoSteps() {
  v1::TrajectoryBatch batch;
  batch.set_policy("expert");
  batch.set_policy_version(2);
  v1::Trajectory& trajectory = *batch.add_trajectories();
  trajectory.set_episode(4);
  trajectory.set_steps(2);
  trajectory.set_terminated(true);
  batch.set_observations(Bytes<float>({0.1f, -2, 0.25f, 3e10f, 1e-8f, 0}));
  batch.set_actions(Bytes<int32_t>({2, 0}));
  batch.set_rewards(Bytes<float>({1, -0.5f}));
  batch.set_log_probs(Bytes<float>({-0.6f, 0}));
  return batch;
}

std::string Lines(const v1::TrajectoryBatch& batch, const v1::EnvironmentSpec& spec) {
  std::string lines;
  AppendStepLines(batch, spec, lines);
  return lines;
}

TEST(StepLines, HaveEveryFieldOfAStepInOrder) {
  EXPECT_EQ(Lines(TwoSteps(), SmallSpec()),
            R"({"episode":4,"step":0,"observation":[0.1,-2.0],"action":2,"reward":1.0,"terminated":false,)"
            R"("truncated":false,"next_observation":[0.25,3e+10],"log_prob":-0.6,"policy":"expert",)"
            R"("policy_version":2})"
            "\n"
            R"({"episode":4,"step":1,"observation":[0.25,3e+10],"action":0,"reward":-0.5,"terminated":true,)"
            R"("truncated":false,"next_observation":[1e-08,0.0],"log_prob":0.0,"policy":"expert",)"
            R"("policy_version":2})"
            "\n");
}

TEST(StepLines, HaveLogitsAndValueWhereRecorded) {
  v1::TrajectoryBatch batch = TwoSteps();
  batch.set_logits(Bytes<float>({1, 2, 3, 4, 5, 6}));
  batch.set_values(Bytes<float>({7.5f, 8}));
  const std::vector<std::string> lines = absl::StrSplit(Lines(batch, SmallSpec()), '\n');
  const auto second = nlohmann::json::parse(lines[1]);
  EXPECT_EQ(second["logits"], nlohmann::json({4.0, 5.0, 6.0}));
  EXPECT_EQ(second["value"], 8.0);
}

TEST(StepLines, WriteContinuousActionsAsLists) {
  v1::EnvironmentSpec spec = SmallSpec();
  spec.mutable_action_space()->mutable_box()->add_shape(2);
  v1::TrajectoryBatch batch = TwoSteps();
  batch.set_actions(Bytes<float>({0.5f, -0.5f, 1, 2}));
  const std::vector<std::string> lines = absl::StrSplit(Lines(batch, spec), '\n');
  EXPECT_EQ(nlohmann::json::parse(lines[0])["action"], nlohmann::json({0.5, -0.5}));
}

TEST(StepLines, KeepTwoFlagsOnTheLastAllowedStep) {
  v1::TrajectoryBatch batch = TwoSteps();
  batch.mutable_trajectories(0)->set_truncated(true);
  const std::vector<std::string> lines = absl::StrSplit(Lines(batch, SmallSpec()), '\n');
  EXPECT_EQ(nlohmann::json::parse(lines[0])["truncated"], false);
  EXPECT_EQ(nlohmann::json::parse(lines[1])["truncated"], true);
  EXPECT_EQ(nlohmann::json::parse(lines[1])["terminated"], true);
}

TEST(StepLines, ContinueWithTheNextTrajectory) {
  v1::TrajectoryBatch batch = TwoSteps();
  batch.add_trajectories()->CopyFrom(batch.trajectories(0));
  batch.mutable_trajectories(1)->set_episode(5);
  batch.mutable_observations()->append(Bytes<float>({10, 11, 12, 13, 14, 15}));
  batch.mutable_actions()->append(Bytes<int32_t>({1, 1}));
  batch.mutable_rewards()->append(Bytes<float>({2, 3}));
  batch.mutable_log_probs()->append(Bytes<float>({-1, -2}));
  const std::vector<std::string> lines = absl::StrSplit(Lines(batch, SmallSpec()), '\n');
  ASSERT_EQ(lines.size(), 5u);  // the last one is empty
  const auto third = nlohmann::json::parse(lines[2]);
  EXPECT_EQ(third["episode"], 5);
  EXPECT_EQ(third["step"], 0);
  EXPECT_EQ(third["observation"], nlohmann::json({10.0, 11.0}));
  EXPECT_EQ(third["next_observation"], nlohmann::json({12.0, 13.0}));
}

TEST(StepLines, WriteNumbersThatReadBackAsTheSameFloat32) {
  const std::vector<float> numbers = {0.1f,
                                      1.0f / 3,
                                      std::nextafter(1.0f, 2.0f),
                                      16777216.0f,
                                      std::numeric_limits<float>::max(),
                                      std::numeric_limits<float>::min(),
                                      std::numeric_limits<float>::denorm_min(),
                                      -0.0f};
  for (const float number : numbers) {
    v1::TrajectoryBatch batch = TwoSteps();
    batch.set_rewards(Bytes<float>({number, 0}));
    const std::string line = Lines(batch, SmallSpec());
    const size_t begin = line.find("\"reward\":") + 9;
    const float read = std::strtof(line.c_str() + begin, nullptr);
    EXPECT_EQ(std::memcmp(&read, &number, sizeof(number)), 0) << line.substr(begin, 20);
  }
}

}  // namespace
}  // namespace understudy
