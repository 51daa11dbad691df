// Computes the pauses between attempts.
#ifndef UNDERSTUDY_COMMON_RPC_BACKOFF_H_
#define UNDERSTUDY_COMMON_RPC_BACKOFF_H_

#include <cstdint>
#include <random>

#include "absl/time/time.h"

namespace understudy {

// Pauses that double from `first` up to `most`. Next returns a random part of the pause, between a half and the whole.
// Thread-compatible.
class Backoff {
 public:
  Backoff(absl::Duration first, absl::Duration most, uint32_t seed);
  absl::Duration Next();
  // Begins with `first` again. To be called after a success.
  void Reset();

 private:
  absl::Duration first_;
  absl::Duration most_;
  absl::Duration current_;
  std::minstd_rand random_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_BACKOFF_H_
