// What a sink does about stragglers, actors that keep it waiting: how long it waits for one, and for how long it then
// refuses the worker.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_STRAGGLERS_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_STRAGGLERS_H_

#include <cstddef>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace understudy {

inline constexpr absl::Duration kShortestPatience = absl::Seconds(10);

// How long a sink waits for an actor's next result while others could do the actor's work. Pure, thread-compatible.
//
// The sink learns what is slow: the patience is four times the longest wait that any result ended, and at least
// kShortestPatience plus the time for which a simulator's step latency makes a request wait. It doubles with each fence
// until a result comes. So work that takes every actor long gets done in the end.
class Patience {
 public:
  // Returns the patience as of now.
  absl::Duration current() const;

  // Notes a request for which the simulators alone take `simulated`.
  void NoteRequest(absl::Duration simulated);
  // Notes a result that came after its actor had been waited for during `waited`.
  void NoteResult(absl::Duration waited);
  // Notes that an actor was fenced.
  void NoteFence();

 private:
  absl::Duration longest_wait_;
  absl::Duration longest_simulated_;
  int fences_since_result_ = 0;
};

// Workers remembered at a time. With one more, the worker that was fenced longest ago is forgotten, which is logged.
inline constexpr size_t kMaxFencedWorkers = 4096;
inline constexpr absl::Duration kFirstFence = absl::Seconds(10);
inline constexpr absl::Duration kLongestFence = absl::Minutes(10);

// The workers that a sink has given up, and for how long it refuses them. Pure, thread-compatible.
class FencedWorkers {
 public:
  // Refuses a worker from now on: for kFirstFence the first time, then twice as long each time, up to kLongestFence.
  void Fence(const std::string& worker_id, absl::Time now);

  // FAILED_PRECONDITION: the worker is refused. The error says for how much longer.
  absl::Status Check(const std::string& worker_id, absl::Time now) const;

 private:
  struct Entry {
    int times = 0;
    absl::Time fenced;
    absl::Time until;
  };
  void ForgetOldest();

  std::map<std::string, Entry> entries_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_STRAGGLERS_H_
