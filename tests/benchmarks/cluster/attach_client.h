// A worker's end of one Attach stream.
#ifndef UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_ATTACH_CLIENT_H_
#define UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_ATTACH_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "common/process/mutex.h"
#include "understudy/v1/workers.grpc.pb.h"

namespace understudy::simulation {

// Thread-safe; lives until gRPC is done with it and nobody holds it. What it calls must not block.
class AttachClient final : public grpc::ClientBidiReactor<v1::WorkerMessage, v1::Assignment>,
                           public std::enable_shared_from_this<AttachClient> {
 public:
  using OnAssignment = std::function<void(const v1::Assignment&)>;
  using OnEnd = std::function<void(const grpc::Status&)>;

  static std::shared_ptr<AttachClient> Begin(v1::Workers::Stub& stub, v1::WorkerHello hello, OnAssignment on_assignment,
                                             OnEnd on_end);

  // Sends a heartbeat; where one is being written, it follows.
  void Heartbeat(int64_t epoch, int64_t steps_produced);
  // Says goodbye.
  void Leave();
  // Ends it without a word.
  void Cancel() { context_.TryCancel(); }

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  AttachClient(OnAssignment on_assignment, OnEnd on_end)
      : on_assignment_(std::move(on_assignment)), on_end_(std::move(on_end)) {}
  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const OnAssignment on_assignment_;
  const OnEnd on_end_;
  grpc::ClientContext context_;
  v1::Assignment incoming_;
  std::shared_ptr<AttachClient> self_;

  Mutex mutex_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = true;
  bool waiting_ ABSL_GUARDED_BY(mutex_) = false;
  bool leaving_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  v1::WorkerMessage outgoing_ ABSL_GUARDED_BY(mutex_);
  v1::WorkerMessage next_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace understudy::simulation

#endif  // UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_ATTACH_CLIENT_H_
