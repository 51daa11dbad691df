// The cart-pole of Barto, Sutton and Anderson 1983, "Neuronlike adaptive elements that can solve difficult learning
// control problems", step for step as Gymnasium's CartPole.
//
// Observation: cart position (m) and velocity, pole angle (rad) and velocity. Action: 0 pushes left, 1 right. Reward: 1
// for every step. An episode terminates if the cart is more than 2.4 m from the middle or the pole more than 12° from
// upright.
#ifndef UNDERSTUDY_COMMON_ENVIRONMENT_CARTPOLE_H_
#define UNDERSTUDY_COMMON_ENVIRONMENT_CARTPOLE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/environment/environment.h"

namespace understudy {

class CartPole : public Environment {
 public:
  static constexpr int64_t kObservationSize = 4;

  // Sets the two spaces of `spec`.
  static void DeclareSpaces(v1::EnvironmentSpec& spec);

  // Makes an environment for the registry. Episodes are truncated after `max_episode_steps`, which is positive.
  static std::unique_ptr<Environment> Make(int64_t max_episode_steps);

  void Reset(RandomStream& random, std::span<float> observation) override;
  StepOutcome Step(std::span<const std::byte> action, std::span<float> observation) override;
  std::string SaveState() const override;
  absl::Status RestoreState(std::string_view state, std::span<float> observation) override;

 private:
  // Velocities are per second.
  struct State {
    double x = 0;
    double x_dot = 0;
    double theta = 0;
    double theta_dot = 0;
  };

  explicit CartPole(int64_t max_episode_steps) : max_episode_steps_(max_episode_steps) {}

  static bool Fallen(const State& state);
  static State Advance(const State& state, double force);
  void Observe(std::span<float> observation) const;

  const int64_t max_episode_steps_;
  State state_;
  int64_t steps_ = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ENVIRONMENT_CARTPOLE_H_
