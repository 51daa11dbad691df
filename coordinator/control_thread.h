// The control thread: the one thread that owns all scheduling state. Others change that state by posting events to it.
// With a LapseMeter it notices time in which it did not run.
#ifndef UNDERSTUDY_COORDINATOR_CONTROL_THREAD_H_
#define UNDERSTUDY_COORDINATOR_CONTROL_THREAD_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/process/mutex.h"

namespace understudy {

// How many events may wait before Post refuses more. The bound is never reached: a stream has at most three events in
// the queue (its beginning, a message, its end), a call has one, and streams and calls are bounded themselves.
inline constexpr size_t kMostEvents = size_t{1} << 20;

// Returns the UNAVAILABLE status with which calls and streams end once the coordinator is stopping.
absl::Status StoppingStatus();

// Measures lapses. A lapse is time in which this process was stopped or its machine slept. If somebody sets the wall
// clock, the time by which it jumps is a lapse too. A coordinator that was stopped for a minute must not conclude that
// all workers were silent for a minute, since it was not listening. Pure, thread-compatible.
class LapseMeter {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // Begins at the given times. While the process runs, the caller must call Measure more often than once per `longest`.
  LapseMeter(absl::Duration longest, absl::Time wall, SteadyTime steady)
      : longest_(longest), wall_(wall), steady_(steady) {}

  // Returns the lapse since the last call: how far the wall clock has advanced, less the time in which the process ran.
  // That time is what the steady clock has advanced, but at most `longest`. A small lapse of either sign means nothing.
  // The lapse is negative if the wall clock was set back.
  absl::Duration Measure(absl::Time wall, SteadyTime steady);

 private:
  absl::Duration longest_;
  absl::Time wall_;
  SteadyTime steady_;
};

// The thread works in batches. It takes all events that have come, runs them in order, settles their consequences once
// for the whole batch, and only then lets calls return. All functions are thread-safe, except Start and Stop, which
// belong to the owner.
class ControlThread {
 public:
  using Event = std::function<void()>;

  // What the owner does on the thread.
  struct Routine {
    // Called before each batch. `lapse` is what a LapseMeter has measured since the batch before. It is mostly close to
    // zero.
    std::function<void(absl::Duration lapse)> note_lapse;
    // Called after each batch. Returns when to call it again even if no event comes; it is called once a second anyway.
    std::function<absl::Time(absl::Time now)> settle;
    // Called once, after the last batch.
    std::function<void()> end;
  };

  ControlThread() = default;
  // Stops.
  ~ControlThread();

  // Starts the thread. Events that were posted before are its first batch. To be called once.
  void Start(Routine routine);

  // Refuses new events from now on, lets those that wait happen, and joins the thread. Idempotent.
  void Stop();

  // Queues an event, without blocking. Returns false, and drops the event, if the thread is stopping or kMostEvents
  // wait.
  bool Post(Event event);

  // Queues an event even if kMostEvents wait. This is for events that must not be lost, and whose number is bounded
  // elsewhere. Returns false, and drops the event, if the thread is stopping.
  bool PostBeyondCapacity(Event event);

  // Runs `call` as an event, and blocks until its batch is settled. If `call` returns an error, returns it. Otherwise
  // calls `saved` on the thread after settling, and returns its status. Before Start this blocks until the thread has
  // started. An event must not use it: it would wait for itself.
  // UNAVAILABLE: the event could not be queued.
  absl::Status Call(std::function<absl::Status(absl::Time now)> call, std::function<absl::Status()> saved);

  // Returns how many events wait.
  size_t waiting() const;

 private:
  bool Add(Event event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Waits until an event has come, until `wake`, or until the thread is to end. Takes all events that wait, if any.
  std::vector<Event> TakeEvents(absl::Time wake);
  // Returns whether the thread is stopping, and no event waits.
  bool ended() const;
  void Run();

  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<Event> events_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  // Used by the thread alone.
  Routine routine_;
  std::vector<Event> answers_;  // to the calls of the batch

  std::thread thread_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_CONTROL_THREAD_H_
