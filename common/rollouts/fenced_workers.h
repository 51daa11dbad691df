// Workers that kept others waiting, and for how long they are refused.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_FENCED_WORKERS_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_FENCED_WORKERS_H_

#include <cstddef>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace understudy {

// Workers remembered at a time. With one more, the one that was fenced longest ago is forgotten, which the log says.
inline constexpr size_t kMaxFencedWorkers = 4096;
inline constexpr absl::Duration kFirstFence = absl::Seconds(10);
inline constexpr absl::Duration kLongestFence = absl::Minutes(10);

// Pure, thread-compatible.
class FencedWorkers {
 public:
  // From now on it is refused: for kFirstFence, and twice as long each further time, up to kLongestFence.
  void Fence(const std::string& worker_id, absl::Time now);

  // FAILED_PRECONDITION: it is refused, saying for how much longer.
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

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_FENCED_WORKERS_H_
