// The one thread that owns all scheduling state: whatever changes that happens there, one event after the other.
#ifndef UNDERSTUDY_COORDINATOR_CONTROL_THREAD_H_
#define UNDERSTUDY_COORDINATOR_CONTROL_THREAD_H_

#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "coordinator/serial_queue.h"

namespace understudy {

// UNAVAILABLE: what calls and streams end with that come too late.
absl::Status StoppingStatus();

// Thread-safe. All that has come by the time that it looks is a batch: its events happen, then they are settled
// together, and only then calls return.
class ControlThread {
 public:
  // What its owner does there.
  struct Routine {
    // Before each batch: for so long, lately, this process did not run, or the clock was set (see LapseMeter).
    std::function<void(absl::Duration lapse)> pardon;
    // After each batch. Returns when to be called again even if nothing happens.
    std::function<absl::Time(absl::Time now)> settle;
    // At last.
    std::function<void()> end;
  };

  ControlThread();
  // Stops.
  ~ControlThread();

  // Events may be posted before, and happen first; calls wait until then. Once. Without it nothing ever happens.
  void Start(Routine routine);

  // Joins, once all that was posted has happened. Idempotent.
  void Stop();

  // Does not block. False: it is stopping, and the event is dropped. An event that is bounded otherwise, and must
  // come, goes beyond the queue's capacity.
  bool Post(std::function<void()> event) { return queue_.Post(std::move(event)); }
  bool PostBeyondCapacity(std::function<void()> event) { return queue_.PostBeyondCapacity(std::move(event)); }

  // Has `call` happen, and waits until what follows from it is settled. Returns its error; otherwise what `saved` says
  // then, also on the thread. UNAVAILABLE: it is stopping.
  absl::Status Call(std::function<absl::Status(absl::Time now)> call, std::function<absl::Status()> saved);

  // Events that wait.
  size_t waiting() const { return queue_.size(); }

 private:
  void Run();

  SerialQueue queue_;
  Routine routine_;
  std::vector<std::function<void()>> answers_;  // of the thread: to calls of the batch
  std::thread thread_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_CONTROL_THREAD_H_
