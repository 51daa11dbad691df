#include "common/environment/cartpole.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>

#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

constexpr double kGravity = 9.8;
constexpr double kMassCart = 1.0;
constexpr double kMassPole = 0.1;
constexpr double kTotalMass = kMassPole + kMassCart;
constexpr double kLength = 0.5;  // half of the pole's
constexpr double kPoleMassLength = kMassPole * kLength;
constexpr double kForce = 10.0;
constexpr double kTau = 0.02;  // seconds between two steps
constexpr double kMaxX = 2.4;
constexpr double kMaxTheta = 12 * 2 * std::numbers::pi / 360;
constexpr double kResetRange = 0.05;
// Far beyond what the force can do in an episode, and small enough for every step to stay finite.
constexpr double kMaxVelocity = 1000;

// A saved state: these two bytes, then what EncodedState holds, without padding.
constexpr char kStateMagic[2] = {'C', 1};
struct EncodedState {
  double x, x_dot, theta, theta_dot;
  int64_t steps;
};
constexpr size_t kStateBytes = sizeof(kStateMagic) + sizeof(EncodedState);
static_assert(sizeof(EncodedState) == 40);
static_assert(std::endian::native == std::endian::little, "saved states are little-endian");

}  // namespace

void CartPole::DeclareSpaces(v1::EnvironmentSpec& spec) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  // Twice the limits, so that the last observation of an episode is inside too.
  constexpr float kBounds[] = {static_cast<float>(2 * kMaxX), kInfinity, static_cast<float>(2 * kMaxTheta), kInfinity};
  v1::Space::Box& box = *spec.mutable_observation_space()->mutable_box();
  box.add_shape(kObservationSize);
  for (const float bound : kBounds) {
    box.add_low(-bound);
    box.add_high(bound);
  }
  spec.mutable_action_space()->mutable_discrete()->set_n(2);
}

std::unique_ptr<Environment> CartPole::Make(int64_t max_episode_steps) {
  return std::unique_ptr<Environment>(new CartPole(max_episode_steps));
}

bool CartPole::Fallen(const State& state) { return std::abs(state.x) > kMaxX || std::abs(state.theta) > kMaxTheta; }

CartPole::State CartPole::Advance(const State& state, double force) {
  // Every operation in Gymnasium's order, since rounding is part of the result.
  const double cos_theta = std::cos(state.theta);
  const double sin_theta = std::sin(state.theta);
  const double temp = (force + kPoleMassLength * (state.theta_dot * state.theta_dot) * sin_theta) / kTotalMass;
  const double theta_acceleration = (kGravity * sin_theta - cos_theta * temp) /
                                    (kLength * (4.0 / 3.0 - kMassPole * (cos_theta * cos_theta) / kTotalMass));
  const double x_acceleration = temp - kPoleMassLength * theta_acceleration * cos_theta / kTotalMass;
  return {.x = state.x + kTau * state.x_dot,
          .x_dot = state.x_dot + kTau * x_acceleration,
          .theta = state.theta + kTau * state.theta_dot,
          .theta_dot = state.theta_dot + kTau * theta_acceleration};
}

void CartPole::Observe(std::span<float> observation) const {
  observation[0] = static_cast<float>(state_.x);
  observation[1] = static_cast<float>(state_.x_dot);
  observation[2] = static_cast<float>(state_.theta);
  observation[3] = static_cast<float>(state_.theta_dot);
}

void CartPole::Reset(RandomStream& random, std::span<float> observation) {
  steps_ = 0;
  for (double* value : {&state_.x, &state_.x_dot, &state_.theta, &state_.theta_dot}) {
    *value = random.Uniform(-kResetRange, kResetRange);
  }
  Observe(observation);
}

StepOutcome CartPole::Step(std::span<const std::byte> action, std::span<float> observation) {
  int32_t push = 0;
  std::memcpy(&push, action.data(), sizeof(push));
  state_ = Advance(state_, push == 1 ? kForce : -kForce);
  ++steps_;
  Observe(observation);
  return {.reward = 1, .terminated = Fallen(state_), .truncated = steps_ >= max_episode_steps_};
}

std::string CartPole::SaveState() const {
  const EncodedState encoded = {state_.x, state_.x_dot, state_.theta, state_.theta_dot, steps_};
  std::string bytes(kStateMagic, sizeof(kStateMagic));
  bytes.append(reinterpret_cast<const char*>(&encoded), sizeof(encoded));
  return bytes;
}

absl::Status CartPole::RestoreState(std::string_view bytes, std::span<float> observation) {
  if (bytes.size() != kStateBytes || std::memcmp(bytes.data(), kStateMagic, sizeof(kStateMagic)) != 0) {
    return absl::InvalidArgumentError(absl::StrCat("CartPole state: found ", bytes.size(), " bytes, expected ",
                                                   kStateBytes, " that a CartPole of this version saved"));
  }
  EncodedState encoded;
  std::memcpy(&encoded, bytes.data() + sizeof(kStateMagic), sizeof(encoded));
  const State state = {encoded.x, encoded.x_dot, encoded.theta, encoded.theta_dot};
  // Written so that a NaN fails.
  const bool slow = std::abs(state.x_dot) <= kMaxVelocity && std::abs(state.theta_dot) <= kMaxVelocity;
  const bool placed = !std::isnan(state.x) && !std::isnan(state.theta) && !Fallen(state);
  if (!slow || !placed) {
    return absl::InvalidArgumentError(absl::StrCat("CartPole state: found x ", state.x, ", x_dot ", state.x_dot,
                                                   ", theta ", state.theta, ", theta_dot ", state.theta_dot,
                                                   ", expected a state from which an episode goes on"));
  }
  if (encoded.steps < 0 || encoded.steps >= max_episode_steps_) {
    return absl::InvalidArgumentError(
        absl::StrCat("CartPole state: found step ", encoded.steps, ", expected 0 to ", max_episode_steps_ - 1));
  }
  state_ = state;
  steps_ = encoded.steps;
  Observe(observation);
  return absl::OkStatus();
}

}  // namespace understudy
