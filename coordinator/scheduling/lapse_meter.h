// Time that went by without us: the process was stopped, the machine asleep, the clock set.
#ifndef UNDERSTUDY_COORDINATOR_SCHEDULING_LAPSE_METER_H_
#define UNDERSTUDY_COORDINATOR_SCHEDULING_LAPSE_METER_H_

#include <algorithm>
#include <chrono>

#include "absl/time/time.h"

namespace understudy {

// A coordinator that was stopped for a minute must not conclude that all workers were silent for a minute: it was not
// listening. Pure, thread-compatible.
class LapseMeter {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // Begins now. Between two calls of a loop that runs, less than `longest` passes.
  LapseMeter(absl::Duration longest, absl::Time wall, SteadyTime steady)
      : longest_(longest), wall_(wall), steady_(steady) {}

  // How much the wall clock has advanced since the last call beyond the time that was lived through: what the steady
  // clock shows, `longest` at most. Negative where the wall clock was set back.
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
