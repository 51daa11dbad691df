// One environment: a simple object that resets and steps. Batching is the actor's business.
#ifndef UNDERSTUDY_COMMON_ENVIRONMENT_ENVIRONMENT_H_
#define UNDERSTUDY_COMMON_ENVIRONMENT_ENVIRONMENT_H_

#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/random/random_stream.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// What a step brought, besides the next observation. Both flags may be true, on the last allowed step.
struct StepOutcome {
  float reward = 0;
  bool terminated = false;  // the MDP ended
  bool truncated = false;   // a limit outside the MDP was met
};

// Thread-compatible. All that happens follows from Reset's random numbers and the actions.
class Environment {
 public:
  virtual ~Environment() = default;

  // Begins an episode and writes its first observation (observation size floats).
  virtual void Reset(RandomStream& random, std::span<float> observation) = 0;

  // Takes one step, with `action` in the space's own encoding: one int32 (discrete) or action size floats (box), as
  // raw bytes, already checked against the action space. Writes the next observation, also after the last step.
  // After an outcome with a flag, Reset must come next.
  virtual StepOutcome Step(std::span<const std::byte> action, std::span<float> observation) = 0;

  // The complete state, between two steps, such that an environment that restores it goes on bit for bit.
  virtual std::string SaveState() const = 0;

  // Continues from a saved state and writes the observation there. INVALID_ARGUMENT for anything but bytes that
  // SaveState of the same environment returned: the bytes came over the wire.
  virtual absl::Status RestoreState(std::string_view state, std::span<float> observation) = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ENVIRONMENT_ENVIRONMENT_H_
