// The actor's end of one Rollouts stream: it fulfils the sink's requests until the stream ends.
#ifndef UNDERSTUDY_ACTOR_SINK_SESSION_H_
#define UNDERSTUDY_ACTOR_SINK_SESSION_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "actor/policy_cache.h"
#include "actor/rollout_counters.h"
#include "actor/rollout_worker.h"
#include "common/process/cancellation.h"
#include "common/process/mutex.h"
#include "understudy/v1/rollouts.grpc.pb.h"

namespace understudy {

// A session has two threads: one of its own reads, and the thread that calls Run works and writes. Its memory is
// bounded by kMaxQueuedRequests requests and the policies of a PolicyCache.
class SinkSession {
 public:
  static constexpr size_t kMaxQueuedRequests = 16;

  // `channel` leads to the sink. `counters` must outlive the session. When the sink has let this actor in, the reading
  // thread calls `on_greeted`, if there is one.
  SinkSession(std::shared_ptr<grpc::Channel> channel, v1::ActorHello hello, RolloutCounters& counters,
              std::function<void()> on_greeted = nullptr);

  // Works until the stream ends. To be called once.
  //
  // When `leaving` is cancelled, the session finishes the request in hand, waits for the acknowledgements (5 s at
  // most), and ends the stream, which gives the other requests back. (If it gave up the request in hand, stages that
  // take turns with an actor could undo each other's work for ever.) When `stopping` is cancelled, it ends the stream
  // at once. Trajectories that are not acknowledged by then are counted as lost.
  //
  // Returns why the session ended.
  // CANCELLED: `leaving` or `stopping` was cancelled. UNAVAILABLE: the sink sent no hello for ten seconds.
  // INVALID_ARGUMENT, FAILED_PRECONDITION, NOT_FOUND, RESOURCE_EXHAUSTED or DATA_LOSS: the sink broke the protocol.
  // Otherwise the stream's status.
  absl::Status Run(Cancellation& leaving, Cancellation& stopping);

  // Returns whether the sink let this actor in. To be called after Run.
  bool greeted() const { return *greeted_; }

 private:
  using Stream = grpc::ClientReaderWriter<v1::ActorMessage, v1::SinkMessage>;
  struct Task {
    v1::RolloutRequest request;
    absl::StatusOr<std::shared_ptr<const Policy>> policy;
  };
  // The requests that wait. Thread-safe; shared with the callbacks that close it.
  class TaskQueue {
   public:
    // Adds a task, or drops it if the queue is closed.
    // RESOURCE_EXHAUSTED: kMaxQueuedRequests tasks wait.
    absl::Status Push(Task task);
    // Waits for a task and removes it; nullopt: the queue is closed.
    std::optional<Task> Pop();
    void Close();

   private:
    Mutex mutex_;
    CondVar changed_;
    std::deque<Task> tasks_ ABSL_GUARDED_BY(mutex_);
    bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  };

  // Functions of the reading thread. ReadAll queues requests until the stream ends or the sink breaks the protocol.
  void ReadAll(Stream& stream);
  absl::Status OnMessage(v1::SinkMessage message);
  absl::Status OnHello(const v1::SinkHello& hello);
  absl::Status Enqueue(v1::RolloutRequest request);
  void OnAck(const v1::RolloutAck& ack);

  // Functions of the calling thread.
  // Waits for the sink's hello. Returns false, and ends the stream, if it does not come in time.
  bool AwaitGreeting();
  // Ends the stream once the results on their way have been acknowledged.
  void Part(Stream& stream);
  void WorkAll(Stream& stream);
  absl::Status Fulfil(const Task& task, Stream& stream);
  absl::Status Emit(v1::RolloutResult& result, Stream& stream);

  const std::unique_ptr<v1::Rollouts::Stub> stub_;
  const v1::ActorHello hello_;
  RolloutCounters& counters_;
  const std::function<void()> on_greeted_;
  const std::shared_ptr<grpc::ClientContext> context_ = std::make_shared<grpc::ClientContext>();
  const std::shared_ptr<TaskQueue> tasks_ = std::make_shared<TaskQueue>();
  Cancellation ended_;  // cancelled when no result can be delivered any more

  std::atomic<int64_t> queued_ = 0;  // requests that have not been begun

  // Shared with the callback of `leaving`.
  const std::shared_ptr<std::atomic<bool>> greeted_ = std::make_shared<std::atomic<bool>>(false);

  // Used by the reading thread until it is joined. The calling thread uses the worker too, which is made before the
  // first request is queued.
  PolicyCache policies_;
  absl::StatusOr<RolloutWorker> worker_ = absl::UnavailableError("no hello yet");
  absl::Status fault_;  // of the sink

  Mutex mutex_;
  CondVar changed_;
  bool reading_ ABSL_GUARDED_BY(mutex_) = true;
  int64_t unacknowledged_ ABSL_GUARDED_BY(mutex_) = 0;  // trajectories
};

}  // namespace understudy

#endif  // UNDERSTUDY_ACTOR_SINK_SESSION_H_
