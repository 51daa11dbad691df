#include "common/rpc/backoff.h"

#include <algorithm>

namespace understudy {

Backoff::Backoff(absl::Duration first, absl::Duration most, uint32_t seed)
    : first_(first), most_(most), current_(first), random_(seed) {}

absl::Duration Backoff::Next() {
  const double share = std::uniform_real_distribution<double>(0.5, 1.0)(random_);
  const absl::Duration wait = current_ * share;
  current_ = std::min(current_ * 2, most_);
  return wait;
}

void Backoff::Reset() { current_ = first_; }

}  // namespace understudy
