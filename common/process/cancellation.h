// Tells a long-running piece of work to stop.
#ifndef UNDERSTUDY_COMMON_PROCESS_CANCELLATION_H_
#define UNDERSTUDY_COMMON_PROCESS_CANCELLATION_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "common/process/mutex.h"

namespace understudy {

// Thread-safe; shared by who cancels and who works.
class Cancellation {
 public:
  // The first call counts. Runs the callbacks.
  void Cancel(std::string reason);

  // OK, or CANCELLED with the reason.
  absl::Status Check() const;

  // Called once, when cancelled, on the cancelling thread; at once where that has happened already. To end blocking calls.
  void OnCancel(std::function<void()> callback);

 private:
  mutable Mutex mutex_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> callbacks_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_PROCESS_CANCELLATION_H_
