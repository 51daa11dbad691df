// An actor's side of one Rollouts stream: fulfils what a sink asks for, until the stream ends.
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

// To be run once. One thread reads, the calling one works and writes. Bounds: kMaxQueuedRequests requests, and the
// policies of a PolicyCache.
class SinkSession {
 public:
  static constexpr size_t kMaxQueuedRequests = 16;

  // `channel` leads to the sink. `counters` must outlive it.
  // Calls `on_greeted`, if there is one, on the reading thread, when the sink has let this actor in.
  SinkSession(std::shared_ptr<grpc::Channel> channel, v1::ActorHello hello, RolloutCounters& counters,
              std::function<void()> on_greeted = nullptr);

  // Works until the stream ends, or, once `leaving` is cancelled, until the request in hand is done and acknowledged:
  // were it given up, stages that take turns with an actor could undo each other's work for ever. Requests that were
  // not begun go back with the stream, which ends in good order. `stopping` ends it at once. Returns why: the stream's
  // status, CANCELLED, or what the sink did wrong (INVALID_ARGUMENT, FAILED_PRECONDITION, DATA_LOSS …; UNAVAILABLE: no
  // hello for ten seconds). Whatever was not acknowledged then has been counted as lost.
  absl::Status Run(Cancellation& leaving, Cancellation& stopping);

  // The sink has let this actor in. After Run.
  bool greeted() const { return *greeted_; }

 private:
  using Stream = grpc::ClientReaderWriter<v1::ActorMessage, v1::SinkMessage>;
  struct Task {
    v1::RolloutRequest request;
    absl::StatusOr<std::shared_ptr<const Policy>> policy;
  };
  // Shared with whoever closes it. Thread-safe.
  class TaskQueue {
   public:
    // Once closed, it goes nowhere. RESOURCE_EXHAUSTED: the sink asks for more than kMaxQueuedRequests.
    absl::Status Push(Task task);
    // Waits for a task; nullopt once closed.
    std::optional<Task> Pop();
    void Close();

   private:
    Mutex mutex_;
    CondVar changed_;
    std::deque<Task> tasks_ ABSL_GUARDED_BY(mutex_);
    bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  };

  // The reading thread: queues requests until the stream ends or breaks its grammar.
  void ReadAll(Stream& stream);
  absl::Status OnMessage(v1::SinkMessage message);
  absl::Status OnHello(const v1::SinkHello& hello);
  absl::Status Enqueue(v1::RolloutRequest request);
  void OnAck(const v1::RolloutAck& ack);

  // The calling thread.
  // False: there is no hello within its time; the stream is ended.
  bool AwaitGreeting();
  // Ends the stream once what is on its way has been acknowledged.
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
  Cancellation ended_;  // no result can be delivered any more

  std::atomic<int64_t> queued_ = 0;  // requests that were not begun

  // Shared with whoever makes it leave.
  const std::shared_ptr<std::atomic<bool>> greeted_ = std::make_shared<std::atomic<bool>>(false);

  // Of the reading thread until it is joined, but for the worker, which is made before the first request is queued.
  PolicyCache policies_;
  absl::StatusOr<RolloutWorker> worker_ = absl::UnavailableError("no hello yet");
  absl::Status fault_;  // the sink's

  Mutex mutex_;
  CondVar changed_;
  bool reading_ ABSL_GUARDED_BY(mutex_) = true;
  int64_t unacknowledged_ ABSL_GUARDED_BY(mutex_) = 0;  // trajectories
};

}  // namespace understudy

#endif  // UNDERSTUDY_ACTOR_SINK_SESSION_H_
