#include "common/process/cancellation.h"

#include <chrono>
#include <utility>

namespace understudy {

Cancellation::Registration::~Registration() {
  if (cancellation_ == nullptr) return;
  MutexLock lock(cancellation_->mutex_);
  cancellation_->callbacks_.erase(id_);
}

void Cancellation::Cancel(std::string reason) {
  std::map<uint64_t, std::function<void()>> callbacks;
  {
    MutexLock lock(mutex_);
    if (!status_.ok()) return;
    status_ = absl::CancelledError(reason);
    callbacks.swap(callbacks_);
    cancelled_.NotifyAll();
  }
  // Without the mutex: a callback may ask for the status.
  for (const auto& [id, callback] : callbacks) callback();
}

absl::Status Cancellation::Check() const {
  MutexLock lock(mutex_);
  return status_;
}

Cancellation::Registration Cancellation::OnCancel(std::function<void()> callback) {
  {
    MutexLock lock(mutex_);
    if (status_.ok()) {
      callbacks_.emplace(++last_id_, std::move(callback));
      return Registration(this, last_id_);
    }
  }
  callback();
  return Registration(nullptr, 0);
}

void Cancellation::WaitFor(absl::Duration duration) const {
  // Not the wall clock, which may be set meanwhile.
  const auto end = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(duration);
  MutexLock lock(mutex_);
  while (status_.ok()) {
    const absl::Duration left = absl::FromChrono(end - std::chrono::steady_clock::now());
    if (left <= absl::ZeroDuration()) return;
    cancelled_.WaitFor(mutex_, left);
  }
}

}  // namespace understudy
