// A coordinator's Workers service that does what a test says.
#ifndef UNDERSTUDY_TESTS_TESTING_FAKE_WORKERS_SERVICE_H_
#define UNDERSTUDY_TESTS_TESTING_FAKE_WORKERS_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/process/mutex.h"
#include "understudy/v1/workers.grpc.pb.h"

namespace understudy::testing {

// Holds one worker's stream. Thread-safe.
class FakeWorkersService final : public v1::Workers::Service {
 public:
  grpc::Status Attach(grpc::ServerContext* context,
                      grpc::ServerReaderWriter<v1::Assignment, v1::WorkerMessage>* stream) override {
    v1::WorkerMessage message;
    if (!stream->Read(&message) || !message.has_hello()) return grpc::Status::CANCELLED;
    {
      MutexLock lock(mutex_);
      hellos_.push_back(message.hello());
      changed_.NotifyAll();
      if (!refusal_.ok()) return refusal_;
      context_ = context;
      stream_ = stream;
      stream->Write(assignment_);
    }
    while (stream->Read(&message)) {
      MutexLock lock(mutex_);
      heartbeats_.push_back(message.heartbeat());
      changed_.NotifyAll();
    }
    MutexLock lock(mutex_);
    if (stream_ == stream) stream_ = nullptr;
    return grpc::Status::OK;
  }

  // Whoever attaches from now on is refused.
  void Refuse(grpc::Status status) {
    MutexLock lock(mutex_);
    refusal_ = std::move(status);
  }

  // What the worker is told, now and whenever it attaches.
  void Assign(const v1::Assignment& assignment) {
    MutexLock lock(mutex_);
    assignment_ = assignment;
    if (stream_ != nullptr) stream_->Write(assignment);
  }

  void BreakStream() {
    MutexLock lock(mutex_);
    if (stream_ != nullptr) context_->TryCancel();
    stream_ = nullptr;
  }

  // The worker's hellos once there are so many; fewer where that takes longer than ten seconds.
  std::vector<v1::WorkerHello> AwaitHellos(size_t count) {
    MutexLock lock(mutex_);
    const absl::Time deadline = absl::Now() + absl::Seconds(10);
    while (hellos_.size() < count && absl::Now() < deadline) changed_.WaitFor(mutex_, deadline - absl::Now());
    return hellos_;
  }

  // Whether within ten seconds a heartbeat came, or had come, for which `wanted` holds.
  bool AwaitHeartbeat(const std::function<bool(const v1::WorkerHeartbeat&)>& wanted) {
    MutexLock lock(mutex_);
    const absl::Time deadline = absl::Now() + absl::Seconds(10);
    for (size_t seen = 0;; ++seen) {
      while (seen == heartbeats_.size()) {
        if (absl::Now() >= deadline) return false;
        changed_.WaitFor(mutex_, deadline - absl::Now());
      }
      if (wanted(heartbeats_[seen])) return true;
    }
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  grpc::Status refusal_ ABSL_GUARDED_BY(mutex_);
  v1::Assignment assignment_ ABSL_GUARDED_BY(mutex_);
  grpc::ServerContext* context_ ABSL_GUARDED_BY(mutex_) = nullptr;
  grpc::ServerReaderWriter<v1::Assignment, v1::WorkerMessage>* stream_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::vector<v1::WorkerHello> hellos_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::WorkerHeartbeat> heartbeats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_TESTING_FAKE_WORKERS_SERVICE_H_
