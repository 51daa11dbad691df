// Sends a stage's metrics to the coordinator while training goes on.
#ifndef UNDERSTUDY_LEARNER_PROGRESS_REPORTER_H_
#define UNDERSTUDY_LEARNER_PROGRESS_REPORTER_H_

#include <deque>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "common/process/cancellation.h"
#include "common/process/mutex.h"
#include "learner/coordinator_client.h"

namespace understudy {

// Thread-safe. At most kQueued reports wait; beyond that Report blocks: a coordinator that is away for long stops
// training rather than losing metrics.
class ProgressReporter {
 public:
  static constexpr size_t kQueued = 256;

  // Client and cancellation must outlive it.
  ProgressReporter(CoordinatorClient& client, v1::StageKey stage, Cancellation& cancellation);
  // Does not wait for what is queued: Flush does.
  ~ProgressReporter();

  // Queues. An earlier report's error is returned here.
  absl::Status Report(const v1::StageProgress& progress);
  // Returns once everything has been sent, or with the first error.
  absl::Status Flush();

 private:
  void Run();

  CoordinatorClient& client_;
  const v1::StageKey stage_;
  Cancellation& cancellation_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<v1::StageProgress> queue_ ABSL_GUARDED_BY(mutex_);  // the first is being sent
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_PROGRESS_REPORTER_H_
