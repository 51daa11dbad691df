// A sink for tests of actors: a dispatcher behind a real server, with one order at a time.
#ifndef UNDERSTUDY_TESTS_TESTING_DISPATCHER_SINK_H_
#define UNDERSTUDY_TESTS_TESTING_DISPATCHER_SINK_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/process/mutex.h"
#include "common/rollouts/dispatcher.h"
#include "common/rollouts/rollout_service.h"
#include "common/rpc/server.h"

namespace understudy::testing {

// Thread-safe.
class DispatcherSink final : public RolloutHandler {
 public:
  explicit DispatcherSink(const v1::EnvironmentSpec& environment, const std::string& listen = "127.0.0.1:0")
      : dispatcher_(environment) {
    server_ = RpcServer::Start({.listen = listen}, {&service_}).value();
  }
  ~DispatcherSink() override { server_->Shutdown(); }

  const std::string& address() const { return server_->address(); }

  // Breaks every stream right after this many results, once.
  void BreakAfter(int results) {
    MutexLock lock(mutex_);
    break_after_ = results;
  }

  // Serves the order until it is done. Returns its failure if it fails.
  // DEADLINE_EXCEEDED: it is not done after thirty seconds.
  absl::Status Run(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy) {
    MutexLock lock(mutex_);
    dispatcher_.Start(order, std::move(policy), absl::Now());
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    while (!order->done() && failure_.ok()) {
      if (absl::Now() >= deadline) return absl::DeadlineExceededError("the order is not done");
      changed_.WaitFor(mutex_, deadline - absl::Now());
    }
    dispatcher_.Drop(*order);
    return failure_;
  }

  // Makes Run end with this status.
  void Fail(absl::Status status) {
    MutexLock lock(mutex_);
    failure_ = std::move(status);
    changed_.NotifyAll();
  }

  // Returns the hellos of all streams so far.
  std::vector<v1::ActorHello> hellos() {
    MutexLock lock(mutex_);
    return hellos_;
  }

  // Returns the hellos of all streams once there are `count` of them, or after ten seconds.
  std::vector<v1::ActorHello> AwaitHellos(size_t count) {
    MutexLock lock(mutex_);
    const absl::Time deadline = absl::Now() + absl::Seconds(10);
    while (hellos_.size() < count && absl::Now() < deadline) changed_.WaitFor(mutex_, deadline - absl::Now());
    return hellos_;
  }

  // Waits until this many streams have ended. Returns false after ten seconds.
  bool AwaitGone(int streams) {
    MutexLock lock(mutex_);
    const absl::Time deadline = absl::Now() + absl::Seconds(10);
    while (gone_ < streams && absl::Now() < deadline) changed_.WaitFor(mutex_, deadline - absl::Now());
    return gone_ >= streams;
  }

  void OnConnected(std::shared_ptr<ActorLink> link) override {
    MutexLock lock(mutex_);
    hellos_.push_back(link->hello());
    changed_.NotifyAll();
    if (const absl::Status status = dispatcher_.Connect(link, absl::Now()); !status.ok()) {
      link->Close(status);
      return;
    }
    link->ReadNext();
  }

  void OnMessage(std::shared_ptr<ActorLink> link, v1::ActorMessage message) override {
    MutexLock lock(mutex_);
    const absl::Status status = dispatcher_.Receive(*link, std::move(message), absl::Now());
    if (!status.ok()) failure_ = status;
    if (--break_after_ == 0) dispatcher_.CloseAll(absl::UnavailableError("broken by the test"));
    changed_.NotifyAll();
    link->ReadNext();
  }

  void OnGone(std::shared_ptr<ActorLink> link) override {
    MutexLock lock(mutex_);
    dispatcher_.Disconnect(*link, absl::Now());
    ++gone_;
    changed_.NotifyAll();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  Dispatcher dispatcher_ ABSL_GUARDED_BY(mutex_);
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::ActorHello> hellos_ ABSL_GUARDED_BY(mutex_);
  int break_after_ ABSL_GUARDED_BY(mutex_) = 0;
  int gone_ ABSL_GUARDED_BY(mutex_) = 0;
  RolloutService service_{*this};
  std::unique_ptr<RpcServer> server_;
};

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_TESTING_DISPATCHER_SINK_H_
