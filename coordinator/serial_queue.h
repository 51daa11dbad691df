// The control thread's inbox.
#ifndef UNDERSTUDY_COORDINATOR_SERIAL_QUEUE_H_
#define UNDERSTUDY_COORDINATOR_SERIAL_QUEUE_H_

#include <cstddef>
#include <functional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/process/mutex.h"

namespace understudy {

// Thread-safe; one thread takes. Post never blocks, so gRPC's reactions may call it.
class SerialQueue {
 public:
  using Task = std::function<void()>;

  explicit SerialQueue(size_t capacity) : capacity_(capacity) {}

  // False: full or closed; the task is dropped.
  bool Post(Task task);

  // The same, however full it is: for what must come, and of which there is a bounded number at a time.
  bool PostBeyondCapacity(Task task);

  // No more tasks from now on; those that were accepted will still be taken.
  void Close();

  // Waits for tasks, and takes all there are, in order. Empty: `wake` has come, or the queue is closed and empty.
  std::vector<Task> TakeAll(absl::Time wake);

  bool closed() const;
  size_t size() const;

 private:
  bool Add(Task task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t capacity_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<Task> tasks_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SERIAL_QUEUE_H_
