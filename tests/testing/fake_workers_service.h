// A coordinator's Workers service that does what a test says.
#ifndef UNDERSTUDY_TESTS_TESTING_FAKE_WORKERS_SERVICE_H_
#define UNDERSTUDY_TESTS_TESTING_FAKE_WORKERS_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <deque>
#include <functional>
#include <utility>
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

  grpc::Status ReportProgress(grpc::ServerContext*, const v1::ProgressRequest* request,
                              v1::ProgressResponse*) override {
    MutexLock lock(mutex_);
    ++progress_calls_;
    changed_.NotifyAll();
    if (!progress_refusal_.ok()) return progress_refusal_;
    progress_.push_back(*request);
    return grpc::Status::OK;
  }

  grpc::Status FinishStage(grpc::ServerContext*, const v1::FinishStageRequest* request,
                           v1::FinishStageResponse*) override {
    MutexLock lock(mutex_);
    finished_.push_back(*request);
    changed_.NotifyAll();
    if (finish_refusals_.empty()) return grpc::Status::OK;
    const grpc::Status refusal = std::move(finish_refusals_.front());
    finish_refusals_.pop_front();
    return refusal;
  }

  // Sets the answer to reports of progress from now on. OK: they are taken.
  void RefuseProgress(grpc::Status status) {
    MutexLock lock(mutex_);
    progress_refusal_ = std::move(status);
  }

  // Sets the answers to the next outcomes, one after the other. Later outcomes are taken.
  void RefuseOutcomes(std::deque<grpc::Status> refusals) {
    MutexLock lock(mutex_);
    finish_refusals_ = std::move(refusals);
  }

  // Waits until progress has been reported `calls` times, taken or not, but for at most ten seconds.
  void AwaitProgress(size_t calls) {
    MutexLock lock(mutex_);
    const absl::Time deadline = absl::Now() + absl::Seconds(10);
    while (progress_calls_ < calls && absl::Now() < deadline) changed_.WaitFor(mutex_, deadline - absl::Now());
  }

  // Returns the reports that were taken.
  std::vector<v1::ProgressRequest> progress() {
    MutexLock lock(mutex_);
    return progress_;
  }
  size_t progress_calls() {
    MutexLock lock(mutex_);
    return progress_calls_;
  }

  // Returns the outcomes, also refused ones, once there are `count` of them, or after ten seconds.
  std::vector<v1::FinishStageRequest> AwaitFinished(size_t count) {
    MutexLock lock(mutex_);
    const absl::Time deadline = absl::Now() + absl::Seconds(10);
    while (finished_.size() < count && absl::Now() < deadline) changed_.WaitFor(mutex_, deadline - absl::Now());
    return finished_;
  }
  std::vector<v1::FinishStageRequest> finished() {
    MutexLock lock(mutex_);
    return finished_;
  }

  // Refuses every worker that attaches from now on.
  void Refuse(grpc::Status status) {
    MutexLock lock(mutex_);
    refusal_ = std::move(status);
  }

  // Sets what the worker is told, now and whenever it attaches.
  void Assign(const v1::Assignment& assignment) {
    MutexLock lock(mutex_);
    assignment_ = assignment;
    if (stream_ != nullptr) stream_->Write(assignment);
  }

  // Breaks the worker's stream, if there is one.
  void BreakStream() {
    MutexLock lock(mutex_);
    if (stream_ != nullptr) context_->TryCancel();
    stream_ = nullptr;
  }

  // Returns the worker's hellos once there are `count` of them, or after ten seconds.
  std::vector<v1::WorkerHello> AwaitHellos(size_t count) {
    MutexLock lock(mutex_);
    const absl::Time deadline = absl::Now() + absl::Seconds(10);
    while (hellos_.size() < count && absl::Now() < deadline) changed_.WaitFor(mutex_, deadline - absl::Now());
    return hellos_;
  }

  // Waits for a heartbeat for which `wanted` holds; one that came before counts. Returns false after ten seconds.
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
  size_t progress_calls_ ABSL_GUARDED_BY(mutex_) = 0;
  grpc::Status progress_refusal_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::ProgressRequest> progress_ ABSL_GUARDED_BY(mutex_);
  std::deque<grpc::Status> finish_refusals_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::FinishStageRequest> finished_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_TESTING_FAKE_WORKERS_SERVICE_H_
