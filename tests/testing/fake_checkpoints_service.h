// A coordinator's Checkpoints service that does what a test says.
#ifndef UNDERSTUDY_TESTS_TESTING_FAKE_CHECKPOINTS_SERVICE_H_
#define UNDERSTUDY_TESTS_TESTING_FAKE_CHECKPOINTS_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "common/process/mutex.h"
#include "common/rpc/channel.h"
#include "common/snapshot/checkpoint_chunks.h"
#include "understudy/v1/checkpoints.grpc.pb.h"

namespace understudy::testing {

// Keeps the content that was saved last. Thread-safe.
class FakeCheckpointsService final : public v1::Checkpoints::Service {
 public:
  // Called with every checkpoint that has arrived whole, before it is kept. It may block. If it returns an error, that
  // is the answer, and the checkpoint is not kept.
  using OnSave = std::function<grpc::Status(const v1::CheckpointHeader&)>;

  explicit FakeCheckpointsService(OnSave on_save = nullptr) : on_save_(std::move(on_save)) {}

  grpc::Status Save(grpc::ServerContext*, grpc::ServerReader<v1::CheckpointChunk>* reader,
                    v1::SaveCheckpointResponse*) override {
    CheckpointAssembler assembler;
    v1::CheckpointChunk chunk;
    bool complete = false;
    while (reader->Read(&chunk)) {
      const absl::StatusOr<bool> added = assembler.Add(chunk);
      if (!added.ok()) return ToGrpc(added.status());
      complete = *added;
    }
    if (!complete) return {grpc::StatusCode::INVALID_ARGUMENT, "the checkpoint has no end"};
    if (on_save_ != nullptr) {
      if (grpc::Status status = on_save_(assembler.header()); !status.ok()) return status;
    }
    MutexLock lock(mutex_);
    stage_ = assembler.header().stage();
    iteration_ = assembler.header().iteration();
    content_ = assembler.TakeContent();
    return grpc::Status::OK;
  }

  grpc::Status Load(grpc::ServerContext*, const v1::LoadCheckpointRequest* request,
                    grpc::ServerWriter<v1::CheckpointChunk>* writer) override {
    MutexLock lock(mutex_);
    if (load_failures_ > 0) {
      --load_failures_;
      return load_failure_;
    }
    if (!content_.has_value()) return {grpc::StatusCode::NOT_FOUND, "no checkpoint"};
    SendCheckpointInChunks(MakeCheckpointHeader(request->stage(), iteration_, *content_), *content_,
                           [&](v1::CheckpointChunk chunk) { return writer->Write(chunk); });
    return grpc::Status::OK;
  }

  // Makes the next `times` calls of Load fail with this status.
  void FailLoads(int times, grpc::Status status) {
    MutexLock lock(mutex_);
    load_failures_ = times;
    load_failure_ = std::move(status);
  }

  std::optional<std::string> content() {
    MutexLock lock(mutex_);
    return content_;
  }
  void set_content(std::optional<std::string> content) {
    MutexLock lock(mutex_);
    content_ = std::move(content);
  }
  v1::StageKey stage() {
    MutexLock lock(mutex_);
    return stage_;
  }

 private:
  const OnSave on_save_;
  Mutex mutex_;
  v1::StageKey stage_ ABSL_GUARDED_BY(mutex_);
  int64_t iteration_ ABSL_GUARDED_BY(mutex_) = 1;
  std::optional<std::string> content_ ABSL_GUARDED_BY(mutex_);
  int load_failures_ ABSL_GUARDED_BY(mutex_) = 0;
  grpc::Status load_failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_TESTING_FAKE_CHECKPOINTS_SERVICE_H_
