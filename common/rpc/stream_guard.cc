#include "common/rpc/stream_guard.h"

#include <grpcpp/alarm.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/process/mutex.h"

namespace understudy {

struct StreamGuard::Call {
  Mutex mutex;
  grpc::ServerContext* context ABSL_GUARDED_BY(mutex) = nullptr;  // nullptr: the guard has gone
  int64_t step ABSL_GUARDED_BY(mutex) = 0;                        // odd: one is under way
  absl::Status cancelled ABSL_GUARDED_BY(mutex);                  // OK: it is not
  std::unique_ptr<grpc::Alarm> alarm;                             // of the step under way

  void Cancel(absl::Status reason) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    cancelled = std::move(reason);
    context->TryCancel();
  }
};

StreamGuard::StreamGuard(StreamLimit& limit, grpc::ServerContext& context, absl::Duration patience,
                         absl::Duration longest)
    : limit_(limit),
      admitted_(limit.streams_.fetch_add(1) < limit.most_),
      patience_(patience),
      longest_(longest),
      call_(std::make_shared<Call>()) {
  MutexLock lock(call_->mutex);
  call_->context = &context;
}

StreamGuard::~StreamGuard() {
  limit_.streams_.fetch_sub(1);
  limit_.bytes_.fetch_sub(bytes_);
  MutexLock lock(call_->mutex);
  call_->context = nullptr;
}

absl::Status StreamGuard::Admission() const {
  if (admitted_) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("there are ", limit_.most_, " such streams already, try again later"));
}

absl::Status StreamGuard::Keep(int64_t bytes) {
  bytes_ += bytes;
  const int64_t all = limit_.bytes_.fetch_add(bytes) + bytes;
  if (all <= limit_.most_bytes_) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("such streams hold ", all, " bytes at once, expected at most ",
                                             limit_.most_bytes_, ": try again later"));
}

absl::Status StreamGuard::Patience() const {
  MutexLock lock(call_->mutex);
  return call_->cancelled;
}

bool StreamGuard::Begin() {
  const absl::Duration left = longest_ - absl::FromChrono(std::chrono::steady_clock::now() - began_);
  const absl::Status reason = absl::DeadlineExceededError(
      left <= patience_ ? absl::StrCat("the stream lasted longer than ", absl::FormatDuration(longest_))
                        : absl::StrCat("nothing happened on the stream for ", absl::FormatDuration(patience_)));
  int64_t step = 0;
  {
    MutexLock lock(call_->mutex);
    if (left <= absl::ZeroDuration()) {
      call_->Cancel(reason);
      return false;
    }
    step = ++call_->step;
  }
  call_->alarm = std::make_unique<grpc::Alarm>();
  call_->alarm->Set(absl::ToChronoTime(absl::Now() + std::min(patience_, left)),
                    [call = call_, step, reason](bool expired) {
                      MutexLock lock(call->mutex);
                      if (expired && call->context != nullptr && call->step == step) call->Cancel(reason);
                    });
  return true;
}

void StreamGuard::End() {
  {
    MutexLock lock(call_->mutex);
    ++call_->step;
  }
  // Not under the lock: its reaction may run here.
  call_->alarm.reset();
}

}  // namespace understudy
