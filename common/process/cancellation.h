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

// Thread-safe; shared by who cancels and who works.
class Cancellation {
 public:
  // Ends the wish to be called back when destroyed. Move-only; must not outlive the Cancellation.
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

  // The first call counts. Runs the callbacks.
  void Cancel(std::string reason);

  // OK, or CANCELLED with the reason.
  absl::Status Check() const;

  // `callback` is called once, when cancelled, on the cancelling thread; at once where that has happened already. It
  // may still be running, or about to, when the registration ends: what it uses must be shared with it.
  Registration OnCancel(std::function<void()> callback);

  // Sleeps for so long, or until cancelled.
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
