// Measures lapses: time that passed while this process was stopped or its machine slept, or by which the clock was set.
#ifndef UNDERSTUDY_COORDINATOR_SCHEDULING_LAPSE_METER_H_
#define UNDERSTUDY_COORDINATOR_SCHEDULING_LAPSE_METER_H_

#include <algorithm>
#include <chrono>

#include "absl/time/time.h"

namespace understudy {

// A coordinator that was stopped for a minute must not conclude that all workers were silent for a minute, since it was
// not listening. Pure, thread-compatible.
class LapseMeter {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // Begins at the given times. Less than `longest` passes between two calls of Measure while the process runs.
  LapseMeter(absl::Duration longest, absl::Time wall, SteadyTime steady)
      : longest_(longest), wall_(wall), steady_(steady) {}

  // Returns the lapse since the last call: how far the wall clock has advanced, less the time in which the process ran.
  // That is the time on the steady clock, but `longest` at most. The lapse is negative if the wall clock was set back.
  absl::Duration Measure(absl::Time wall, SteadyTime steady) {
    const absl::Duration lived = std::min(absl::FromChrono(steady - steady_), longest_);
    const absl::Duration lapse = wall - wall_ - lived;
    wall_ = wall;
    steady_ = steady;
    return lapse;
  }

 private:
  absl::Duration longest_;
  absl::Time wall_;
  SteadyTime steady_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SCHEDULING_LAPSE_METER_H_
