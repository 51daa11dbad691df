// An actor's end of one RollOut stream to the coordinator, which makes its episodes up.
#ifndef UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_ROLLOUT_CLIENT_H_
#define UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_ROLLOUT_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "common/process/mutex.h"
#include "understudy/v1/rollouts.grpc.pb.h"

namespace understudy::simulation {

inline constexpr int64_t kStepsPerEpisode = 50;

// Thread-safe; lives until gRPC is done with it and nobody holds it. Every request is answered at once, with one result
// whose episodes differ in their numbers only.
class RolloutClient final : public grpc::ClientBidiReactor<v1::ActorMessage, v1::SinkMessage>,
                            public std::enable_shared_from_this<RolloutClient> {
 public:
  // `on_result`: one is about to be sent. `on_end`: the stream has ended.
  static std::shared_ptr<RolloutClient> Begin(v1::Rollouts::Stub& stub, const std::string& worker,
                                              const v1::StageKey& stage, std::function<void()> on_result,
                                              std::function<void(const grpc::Status&)> on_end);
  void Cancel() { context_.TryCancel(); }

  // Transitions that sinks have accepted, of all clients.
  static int64_t accepted() { return accepted_; }

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  RolloutClient(std::function<void()> on_result, std::function<void(const grpc::Status&)> on_end)
      : on_result_(std::move(on_result)), on_end_(std::move(on_end)) {}
  void Answer(const v1::RolloutRequest& request);
  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  static std::atomic<int64_t> accepted_;
  const std::function<void()> on_result_;
  const std::function<void(const grpc::Status&)> on_end_;
  grpc::ClientContext context_;
  v1::SinkMessage incoming_;
  std::shared_ptr<RolloutClient> self_;

  Mutex mutex_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = true;
  std::deque<v1::ActorMessage> outgoing_ ABSL_GUARDED_BY(mutex_);  // the first is being written
};

}  // namespace understudy::simulation

#endif  // UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_ROLLOUT_CLIENT_H_
