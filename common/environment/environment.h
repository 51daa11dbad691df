// The interface of an environment: an object that resets and steps. Actors step many of them side by side.
#ifndef UNDERSTUDY_COMMON_ENVIRONMENT_ENVIRONMENT_H_
#define UNDERSTUDY_COMMON_ENVIRONMENT_ENVIRONMENT_H_

#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/random/random_stream.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// The result of a step, besides the next observation. Both flags may be true on the last allowed step.
struct StepOutcome {
  float reward = 0;
  bool terminated = false;  // the MDP ended
  bool truncated = false;   // a limit outside the MDP was met
};

// An environment is thread-compatible and deterministic: everything follows from Reset's random numbers and the
// actions.
class Environment {
 public:
  virtual ~Environment() = default;

  // Begins an episode and writes its first observation (observation size floats).
  virtual void Reset(RandomStream& random, std::span<float> observation) = 0;

  // Takes one step and writes the next observation, also after the last step. `action` is the raw bytes of one int32
  // (discrete) or of action size floats (box), already checked against the action space. After an outcome with a flag,
  // the next call must be Reset.
  virtual StepOutcome Step(std::span<const std::byte> action, std::span<float> observation) = 0;

  // Returns the complete state between two steps. An environment that restores it continues bit for bit.
  virtual std::string SaveState() const = 0;

  // Continues from a saved state, and writes the observation of that state. The bytes may have come over the wire.
  // Errors: INVALID_ARGUMENT unless the bytes are what SaveState of the same environment could have returned.
  virtual absl::Status RestoreState(std::string_view state, std::span<float> observation) = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ENVIRONMENT_ENVIRONMENT_H_
