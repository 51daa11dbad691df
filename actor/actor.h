// The actor process: it follows the coordinator's assignments, and rolls out for the sinks that these name.
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

// One thread receives assignments from the coordinator (WorkerSession); `threads` others roll out. Each of those has a
// stream of its own to the sink, and is an actor to the sink. So orders are shared among threads as among processes. If
// an assignment names several sinks, each rollout thread serves all of them at once, with an extra thread for each sink
// but the first. These threads share the processor as the sinks need it. To the coordinator the process is one worker,
// with one assignment and one account. Thread-safe.
class Actor {
 public:
  // Starts the threads, which attach as soon as a coordinator can be reached.
  // INVALID_ARGUMENT: Coordinators::Make's, or threads outside [1, kMaxRolloutThreads].
  static absl::StatusOr<std::unique_ptr<Actor>> Start(const ActorOptions& options);
  // Stops within a second. Unfinished requests are dropped, and sinks ask others for them. The coordinator gets the
  // last totals and a goodbye.
  ~Actor();

  // Begins no further request. To be called once. Each thread finishes the request that it has in hand, waits for its
  // acknowledgement, and closes its streams. That gives the other requests back to the sinks. When all threads are
  // done, `drained` is called on one of them, at most once.
  void Drain(std::function<void()> drained);

  void AddMetrics(Scrape& scrape) const;

 private:
  // An assignment, and what makes its threads leave it.
  struct Job {
    v1::ActorWork work;
    Cancellation leaving;
  };

  explicit Actor(const ActorOptions& options);
  void OnAssignment(const v1::Assignment& assignment);
  // The body of a rollout thread, which sinks know by this worker id.
  void Run(const std::string& id);
  // Waits for an assignment other than the last one, `done`, and returns it; nullptr: the actor stops or drains.
  std::shared_ptr<Job> NextJob(const std::shared_ptr<Job>& done);
  v1::WorkerHeartbeat Heartbeat();
  // Remembers why a rollout thread cannot reach a sink, for the heartbeat. An OK status means that it reaches the sink,
  // or no longer has to.
  void NoteReach(const std::string& id, const std::string& address, const absl::Status& status);
  // Serves all sinks of a job until the job is left.
  void Work(const std::string& id, Job& job);
  // Serves one sink until the job is left. Connects again when a stream breaks.
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
