// Expected states were computed by a separate program from the equations of motion, in the order of operations of
// Gymnasium's CartPole; sin and cos may differ in the last bit between C libraries, so doubles are compared to 1e-12.
#include "common/environment/cartpole.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

namespace understudy {
namespace {

using ::testing::HasSubstr;

using Observation = std::array<float, CartPole::kObservationSize>;
using State = std::array<double, 4>;

// The documented encoding of a saved state.
std::string EncodeState(const State& state, int64_t steps) {
  std::string bytes = {'C', 1};
  bytes.append(reinterpret_cast<const char*>(state.data()), sizeof(state));
  bytes.append(reinterpret_cast<const char*>(&steps), sizeof(steps));
  return bytes;
}

State DecodeState(const std::string& bytes) {
  State state;
  std::memcpy(state.data(), bytes.data() + 2, sizeof(state));
  return state;
}

std::unique_ptr<Environment> CartPoleAt(const State& state, int64_t steps = 0) {
  std::unique_ptr<Environment> environment = CartPole::Make(500);
  Observation observation;
  const absl::Status status = environment->RestoreState(EncodeState(state, steps), observation);
  EXPECT_TRUE(status.ok()) << status;
  return environment;
}

StepOutcome Push(Environment& environment, int32_t action, Observation& observation) {
  return environment.Step(std::as_bytes(std::span(&action, 1)), observation);
}

struct RunResult {
  int64_t steps = 0;
  StepOutcome last;
  State state;
  Observation observation;
};

// Until `steps` were taken or a flag came.
RunResult RunFor(Environment& environment, int64_t steps, const std::function<int32_t(int64_t, const State&)>& action) {
  RunResult run;
  while (run.steps < steps && !run.last.terminated && !run.last.truncated) {
    const State before = DecodeState(environment.SaveState());
    run.last = Push(environment, action(run.steps, before), run.observation);
    EXPECT_EQ(run.last.reward, 1);
    ++run.steps;
  }
  run.state = DecodeState(environment.SaveState());
  return run;
}

int32_t Right(int64_t, const State&) { return 1; }
int32_t Left(int64_t, const State&) { return 0; }
int32_t Alternate(int64_t step, const State&) { return static_cast<int32_t>(step % 2); }
// Linear feedback that holds the pole up.
int32_t Balance(int64_t, const State& s) { return 0.5 * s[0] + s[1] * 1.0 + 10 * s[2] + 3 * s[3] > 0 ? 1 : 0; }
// The same around a tilted pole, which makes the cart run to the right.
int32_t LeanRight(int64_t, const State& s) { return (s[2] - 0.06) + 0.3 * s[3] > 0 ? 1 : 0; }

void ExpectState(const State& actual, const State& expected) {
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-12) << "element " << i;
}

TEST(CartPole, FollowsTheEquationsOfMotion) {
  const State start = {0.01, -0.02, 0.03, -0.04};
  ExpectState(RunFor(*CartPoleAt(start), 1, Right).state,
              {0.009600000000000001, 0.17467919574755525, 0.0292, -0.3230687179600081});
  ExpectState(RunFor(*CartPoleAt(start), 2, Right).state,
              {0.013093583914951107, 0.36937344399176103, 0.02273862564079984, -0.6064020159998607});
  ExpectState(RunFor(*CartPoleAt(start), 5, Right).state,
              {0.0469473888033678, 0.954361609278738, -0.03084946972923929, -1.4761050573413825});
  ExpectState(RunFor(*CartPoleAt({0, 0, 0, 0}), 3, Left).state,
              {-0.011707317073170733, -0.585447355516259, 0.0175609756097561, 0.8798869825388553});
}

TEST(CartPole, ObservesItsStateRoundedToFloat) {
  const RunResult run = RunFor(*CartPoleAt({0.01, -0.02, 0.03, -0.04}), 1, Right);
  EXPECT_EQ(run.observation, (Observation{0.00960000046f, 0.17467919f, 0.0292000007f, -0.323068708f}));
}

TEST(CartPole, TerminatesWithTheStepThatDropsThePole) {
  const RunResult right = RunFor(*CartPoleAt({0.01, -0.02, 0.03, -0.04}), 500, Right);
  EXPECT_EQ(right.steps, 10);
  EXPECT_TRUE(right.last.terminated);
  EXPECT_FALSE(right.last.truncated);
  ExpectState(right.state, {0.1815256667741792, 1.933450125212804, -0.24074363726846137, -3.084539482855368});

  const RunResult left = RunFor(*CartPoleAt({0, 0, 0, 0}), 500, Left);
  EXPECT_EQ(left.steps, 9);
  ExpectState(left.state, {-0.14065097203306187, -1.7603811257683097, 0.21518604988500967, 2.777886494012814});

  const RunResult alternate = RunFor(*CartPoleAt({-0.0123, 0.0456, -0.0321, 0.0222}), 500, Alternate);
  EXPECT_EQ(alternate.steps, 51);
  ExpectState(alternate.state, {-0.06693634124466558, -0.18018184834826545, 0.2174664412704257, 1.0130559281469211});
}

TEST(CartPole, TerminatesWhereTheCartLeavesTheTrack) {
  const RunResult run = RunFor(*CartPoleAt({0, 0, 0, 0}), 500, LeanRight);
  EXPECT_EQ(run.steps, 158);
  EXPECT_TRUE(run.last.terminated);
  EXPECT_NEAR(run.state[0], 2.415913846947812, 1e-9);
  EXPECT_NEAR(run.state[2], 0.060470035269992256, 1e-9);
}

TEST(CartPole, TruncatesOnTheLastAllowedStep) {
  const State start = {0.01, 0.02, -0.03, 0.04};
  const RunResult run = RunFor(*CartPoleAt(start), 1000, Balance);
  EXPECT_EQ(run.steps, 500);
  EXPECT_TRUE(run.last.truncated);
  EXPECT_FALSE(run.last.terminated);
  EXPECT_NEAR(run.state[0], 0.09578112957487543, 1e-9);
  EXPECT_NEAR(run.state[3], -0.031311151419132544, 1e-9);
}

TEST(CartPole, TruncatesTheFirstVersionAfter200Steps) {
  std::unique_ptr<Environment> environment = CartPole::Make(200);
  Observation observation;
  ASSERT_TRUE(environment->RestoreState(EncodeState({0.01, 0.02, -0.03, 0.04}, 0), observation).ok());
  const RunResult run = RunFor(*environment, 1000, Balance);
  EXPECT_EQ(run.steps, 200);
  EXPECT_TRUE(run.last.truncated);
  EXPECT_FALSE(run.last.terminated);
  EXPECT_NEAR(run.state[0], 0.05241513920472291, 1e-9);
}

TEST(CartPole, SetsBothFlagsWhereTheLastAllowedStepTerminates) {
  const State about_to_fall = {0, 0, 0.205, 1.0};
  Observation observation;
  const StepOutcome last = Push(*CartPoleAt(about_to_fall, 499), 1, observation);
  EXPECT_TRUE(last.terminated);
  EXPECT_TRUE(last.truncated);
  EXPECT_FLOAT_EQ(observation[2], 0.225f);
  const StepOutcome one_before = Push(*CartPoleAt(about_to_fall, 498), 1, observation);
  EXPECT_TRUE(one_before.terminated);
  EXPECT_FALSE(one_before.truncated);
}

TEST(CartPole, ResetsEveryElementUniformlyWithinFiveHundredths) {
  constexpr int kResets = 20000;
  std::unique_ptr<Environment> environment = CartPole::Make(500);
  std::array<double, 4> sum{};
  std::array<double, 4> squares{};
  for (uint64_t episode = 0; episode < kResets; ++episode) {
    RandomStream random(1, RandomPurpose::kCollectionReset, episode, 0);
    Observation observation;
    environment->Reset(random, observation);
    for (size_t i = 0; i < observation.size(); ++i) {
      ASSERT_LE(std::abs(observation[i]), 0.05f);
      sum[i] += observation[i];
      squares[i] += observation[i] * observation[i];
    }
  }
  for (size_t i = 0; i < sum.size(); ++i) {
    EXPECT_NEAR(sum[i] / kResets, 0, 0.0011) << "element " << i;  // five standard errors
    EXPECT_NEAR(squares[i] / kResets, 0.05 * 0.05 / 3, 0.00003) << "element " << i;
  }
}

TEST(CartPole, ResetsFromTheFirstDrawsInOrder) {
  // The first numbers of this stream in [-0.05, 0.05), from another implementation of the generator.
  RandomStream random(7, RandomPurpose::kCollectionReset, 3, 0);
  Observation observation;
  std::unique_ptr<Environment> environment = CartPole::Make(500);
  environment->Reset(random, observation);
  const Observation expected = {-0.0499980430843143f, -0.027649605041659933f, -0.04072752274312857f,
                                -0.008886736881740062f};
  EXPECT_EQ(observation, expected);
}

TEST(CartPole, BeginsANewEpisodeWithReset) {
  std::unique_ptr<Environment> environment = CartPoleAt({0, 0, 0.205, 1.0}, 499);
  Observation observation;
  Push(*environment, 1, observation);
  RandomStream random(0, RandomPurpose::kCollectionReset, 0, 0);
  environment->Reset(random, observation);
  const StepOutcome outcome = Push(*environment, 1, observation);
  EXPECT_FALSE(outcome.terminated);
  EXPECT_FALSE(outcome.truncated);
}

TEST(CartPole, GoesOnBitForBitFromASavedState) {
  std::unique_ptr<Environment> original = CartPoleAt({-0.0123, 0.0456, -0.0321, 0.0222}, 3);
  RunFor(*original, 20, Alternate);
  std::unique_ptr<Environment> restored = CartPole::Make(500);
  Observation expected;
  Observation observation;
  ASSERT_TRUE(restored->RestoreState(original->SaveState(), observation).ok());
  for (int32_t step = 0; step < 20; ++step) {
    Push(*original, step % 2, expected);
    Push(*restored, step % 2, observation);
    ASSERT_EQ(restored->SaveState(), original->SaveState());
    ASSERT_EQ(observation, expected);
  }
}

TEST(CartPole, WritesTheObservationOfARestoredState) {
  Observation observation;
  std::unique_ptr<Environment> environment = CartPole::Make(500);
  ASSERT_TRUE(environment->RestoreState(EncodeState({1.5, -2.5, 0.125, 3.5}, 7), observation).ok());
  EXPECT_EQ(observation, (Observation{1.5f, -2.5f, 0.125f, 3.5f}));
  EXPECT_EQ(environment->SaveState(), EncodeState({1.5, -2.5, 0.125, 3.5}, 7));
}

void ExpectRefused(const std::string& bytes, const std::string& message) {
  std::unique_ptr<Environment> environment = CartPoleAt({0.25, 0, 0, 0}, 5);
  const std::string before = environment->SaveState();
  Observation observation{};
  const absl::Status status = environment->RestoreState(bytes, observation);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(message));
  EXPECT_EQ(environment->SaveState(), before);
  EXPECT_EQ(observation, Observation{});
}

TEST(CartPole, RefusesBytesThatAreNoState) {
  const std::string valid = EncodeState({0, 0, 0, 0}, 0);
  ExpectRefused("", "found 0 bytes, expected 42");
  ExpectRefused(valid.substr(1), "found 41 bytes");
  ExpectRefused(valid + "x", "found 43 bytes");
  std::string other_version = valid;
  other_version[1] = 2;
  ExpectRefused(other_version, "of this version");
}

TEST(CartPole, RefusesStatesThatNoEpisodeGoesOnFrom) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (size_t element = 0; element < 4; ++element) {
    for (const double value : {kNan, kInfinity, -kInfinity, 1e300}) {
      State state = {0, 0, 0, 0};
      state[element] = value;
      ExpectRefused(EncodeState(state, 0), "expected a state from which an episode goes on");
    }
  }
  ExpectRefused(EncodeState({2.41, 0, 0, 0}, 0), "found x 2.41");
  ExpectRefused(EncodeState({0, 0, -0.21, 0}, 0), "theta -0.21");
}

TEST(CartPole, RefusesStepCountsOutsideAnEpisode) {
  for (const int64_t steps : {int64_t{-1}, int64_t{500}, std::numeric_limits<int64_t>::max()}) {
    ExpectRefused(EncodeState({0, 0, 0, 0}, steps), "expected 0 to 499");
  }
}

}  // namespace
}  // namespace understudy
