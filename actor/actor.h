// The actor process: follows its assignments, and fulfils what the sinks that they name ask for.
#ifndef UNDERSTUDY_ACTOR_ACTOR_H_
#define UNDERSTUDY_ACTOR_ACTOR_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "actor/rollout_counters.h"
#include "common/metrics/scrape.h"
#include "common/process/cancellation.h"
#include "common/process/mutex.h"
#include "common/rpc/worker_session.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

inline constexpr int kMaxRolloutThreads = 1024;

struct ActorOptions {
  std::string coordinators = "127.0.0.1:50051";                     // Coordinators::Make's
  std::shared_ptr<grpc::ChannelCredentials> credentials = nullptr;  // MakeChannel's, towards them and learners
  int threads = 1;                                                  // that roll out
};

// Thread-safe. Besides the session's thread, which brings assignments, there are those that roll out: each has a stream
// of its own to the sink, to which it is an actor like others, so that orders are shared among threads just as among
// processes. Where an assignment names several sinks, each of these threads has a stream to every one of them, each but
// the first on one more thread for as long as the assignment lasts: they share the processor as the sinks need it. To
// the coordinator all are one worker, with one assignment and one account.
class Actor {
 public:
  // Begins to attach; the coordinator need not be there yet. INVALID_ARGUMENT: Coordinators::Make's, or threads
  // outside [1, kMaxRolloutThreads].
  static absl::StatusOr<std::unique_ptr<Actor>> Start(const ActorOptions& options);
  // Stops within a second: what is half done is dropped, and asked of others. The coordinator hears the last totals,
  // and that this actor goes.
  ~Actor();

  // Begins no further work. Calls `drained`, on a thread of the actor's, once the request that each thread has in hand
  // is done, with all of its results acknowledged, and the others have gone back to the sink with the streams; once at
  // most. To be called once.
  void Drain(std::function<void()> drained);

  void AddMetrics(Scrape& scrape) const;

 private:
  // One assignment, and the way to end it.
  struct Job {
    v1::ActorWork work;
    Cancellation leaving;
  };

  explicit Actor(const ActorOptions& options);
  void OnAssignment(const v1::Assignment& assignment);
  // One of the threads that roll out, by its worker id at sinks.
  void Run(const std::string& id);
  // The latest assignment, once it is not the one that the thread has `done`; nullptr: the actor stops or drains.
  std::shared_ptr<Job> NextJob(const std::shared_ptr<Job>& done);
  v1::WorkerHeartbeat Heartbeat();
  // Remembers why a thread that rolls out cannot reach a sink, for the heartbeat. OK: it reaches the sink, or is no
  // longer to.
  void NoteReach(const std::string& id, const std::string& address, const absl::Status& status);
  // Both until the job is left. All of its sinks, or one: where the stream to that breaks, connects again.
  void Work(const std::string& id, Job& job);
  void Serve(const std::string& id, Job& job, const std::string& address);

  const ActorOptions options_;
  const std::string worker_id_ = MakeWorkerId();
  RolloutCounters counters_;
  Cancellation stopping_;

  Mutex mutex_;
  CondVar changed_;
  std::shared_ptr<Job> desired_ ABSL_GUARDED_BY(mutex_);
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void()> drained_ ABSL_GUARDED_BY(mutex_);
  int running_ ABSL_GUARDED_BY(mutex_);  // threads that roll out
  // The sinks that are not reached: why, by the sink's address and the thread's worker id.
  std::map<std::pair<std::string, std::string>, std::string> unreachable_ ABSL_GUARDED_BY(mutex_);

  std::vector<std::thread> threads_;
  std::unique_ptr<WorkerSession> session_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_ACTOR_ACTOR_H_
