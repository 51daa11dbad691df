// Tells a long-running piece of work to stop.
#ifndef UNDERSTUDY_COMMON_PROCESS_CANCELLATION_H_
#define UNDERSTUDY_COMMON_PROCESS_CANCELLATION_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/process/mutex.h"

namespace understudy {

// A cancellation is shared by those who work and those who may cancel the work. Thread-safe.
class Cancellation {
 public:
  // Keeps a callback registered until destroyed. It can be moved, but not copied. It must not outlive the Cancellation.
  class [[nodiscard]] Registration {
   public:
    Registration(Cancellation* cancellation, uint64_t id) : cancellation_(cancellation), id_(id) {}
    Registration(Registration&& other) noexcept : cancellation_(other.cancellation_), id_(other.id_) {
      other.cancellation_ = nullptr;
    }
    Registration& operator=(Registration&&) = delete;
    ~Registration();

   private:
    Cancellation* cancellation_;
    uint64_t id_;
  };

  // Cancels with this reason, and runs the callbacks. Only the first call has an effect.
  void Cancel(std::string reason);

  // Returns OK until cancelled.
  // CANCELLED: with the reason.
  absl::Status Check() const;

  // Registers a callback. It is called once, when cancelled, on the cancelling thread; or at once if that has happened
  // already. It may still be running, or about to run, when the registration ends. So the callback must share ownership
  // of what it uses.
  Registration OnCancel(std::function<void()> callback);

  // Sleeps for `duration`, or until cancelled.
  void WaitFor(absl::Duration duration) const;

 private:
  mutable Mutex mutex_;
  mutable CondVar cancelled_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, std::function<void()>> callbacks_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_PROCESS_CANCELLATION_H_
