// How long to wait before trying again.
#ifndef UNDERSTUDY_COMMON_RPC_BACKOFF_H_
#define UNDERSTUDY_COMMON_RPC_BACKOFF_H_

#include <cstdint>
#include <random>

#include "absl/time/time.h"

namespace understudy {

// Doubles from `first` to `most`, each time a uniformly random half to whole of it. Thread-compatible.
class Backoff {
 public:
  Backoff(absl::Duration first, absl::Duration most, uint32_t seed);
  absl::Duration Next();
  // After a success.
  void Reset();

 private:
  absl::Duration first_;
  absl::Duration most_;
  absl::Duration current_;
  std::minstd_rand random_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_BACKOFF_H_
