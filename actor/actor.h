// The actor process: follows its assignments, and fulfils what the sinks that they name ask for.
#ifndef UNDERSTUDY_ACTOR_ACTOR_H_
#define UNDERSTUDY_ACTOR_ACTOR_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "actor/rollout_counters.h"
#include "common/process/cancellation.h"
#include "common/process/mutex.h"
#include "common/rpc/worker_session.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

struct ActorOptions {
  std::string coordinator = "127.0.0.1:50051";
};

// Thread-safe. Two threads: the session's, which brings assignments, and one that rolls out.
class Actor {
 public:
  // Begins to attach; the coordinator need not be there yet. INVALID_ARGUMENT: not HOST:PORT.
  static absl::StatusOr<std::unique_ptr<Actor>> Start(const ActorOptions& options);
  // Stops within a second: what is half done is dropped, and asked of others. The coordinator hears the last totals,
  // and that this actor goes.
  ~Actor();

  // Begins no further work. Calls `drained`, on a thread of the actor's, once the request in hand is done, with all of
  // its results acknowledged, and the others have gone back to the sink with the stream; once at most. To be called
  // once.
  void Drain(std::function<void()> drained);

 private:
  // One assignment, and the way to end it.
  struct Job {
    v1::ActorWork work;
    Cancellation leaving;
  };

  explicit Actor(const ActorOptions& options);
  void OnAssignment(const v1::Assignment& assignment);
  void Run();
  // The latest assignment that has not been begun; nullptr: the actor stops or drains.
  std::shared_ptr<Job> NextJob();
  // Until the job is left: where the stream to the sink breaks, connects again.
  void Work(Job& job);

  const std::string coordinator_;
  const std::string worker_id_ = MakeWorkerId();
  RolloutCounters counters_;
  Cancellation stopping_;

  Mutex mutex_;
  CondVar changed_;
  std::shared_ptr<Job> desired_ ABSL_GUARDED_BY(mutex_);
  bool begun_ ABSL_GUARDED_BY(mutex_) = false;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void()> drained_ ABSL_GUARDED_BY(mutex_);

  std::thread thread_;
  std::unique_ptr<WorkerSession> session_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_ACTOR_ACTOR_H_
