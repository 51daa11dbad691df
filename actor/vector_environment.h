// The environments of an actor, one a lane, and the matrix of their observations that inference reads.
#ifndef UNDERSTUDY_ACTOR_VECTOR_ENVIRONMENT_H_
#define UNDERSTUDY_ACTOR_VECTOR_ENVIRONMENT_H_

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/environment/environment.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// The most lanes that a sink may ask for.
inline constexpr int kMaxInferenceWidth = 4096;
// The longest waiting time in a step that a sink may ask for.
inline constexpr absl::Duration kLongestStepLatency = absl::Seconds(10);

// Thread-compatible.
class VectorEnvironment {
 public:
  // Makes `width` lanes of the environment that `spec` names.
  // NOT_FOUND: there is no environment of this name. FAILED_PRECONDITION: this actor's environment of this name differs
  // from `spec` (the error prints both), or its actions are not discrete. INVALID_ARGUMENT: width outside
  // [1, kMaxInferenceWidth], or step latency outside [0, kLongestStepLatency].
  static absl::StatusOr<VectorEnvironment> Create(const v1::EnvironmentSpec& spec, int width);

  size_t width() const { return lanes_.size(); }
  const v1::EnvironmentSpec& spec() const { return spec_; }
  // Returns how long the simulators wait in a step. They run side by side, so it is the same for any number of lanes.
  absl::Duration step_latency() const { return absl::Microseconds(spec_.step_latency_us()); }

  Environment& lane(size_t index) { return *lanes_[index]; }

  // Returns the lane's row of observations(), where Reset and Step write.
  std::span<float> observation(size_t index) {
    return {observations_.data() + index * observation_size_, observation_size_};
  }
  // Returns the observations of the first `count` lanes: [count, observation size].
  std::span<const float> observations(size_t count) const {
    return std::span(observations_).first(count * observation_size_);
  }
  // Lets two lanes change places, with their observations.
  void Swap(size_t one, size_t other);

 private:
  VectorEnvironment(v1::EnvironmentSpec spec, std::vector<std::unique_ptr<Environment>> lanes);

  v1::EnvironmentSpec spec_;
  std::vector<std::unique_ptr<Environment>> lanes_;
  size_t observation_size_;
  std::vector<float> observations_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_ACTOR_VECTOR_ENVIRONMENT_H_
