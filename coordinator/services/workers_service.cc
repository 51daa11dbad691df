#include "coordinator/services/workers_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/rpc/channel.h"
#include "coordinator/services/attach_stream.h"

namespace understudy {
namespace {

constexpr int kMostMetrics = 64;
constexpr size_t kLongestMetricName = 64;
constexpr size_t kLongestError = 4096;

absl::Status ValidateProgress(const v1::StageProgress& progress) {
  if (progress.iteration() < 0 || progress.done() < 0 || progress.total() < 0 || progress.steps() < 0) {
    return absl::InvalidArgumentError("progress: expected no negative numbers");
  }
  if (progress.metrics_size() > kMostMetrics) {
    return absl::InvalidArgumentError(
        absl::StrCat("progress.metrics: found ", progress.metrics_size(), ", expected at most ", kMostMetrics));
  }
  if (progress.unit().size() > kLongestMetricName) {
    return absl::InvalidArgumentError("progress.unit: expected at most 64 bytes");
  }
  for (const auto& [name, value] : progress.metrics()) {
    if (name.empty() || name.size() > kLongestMetricName) {
      return absl::InvalidArgumentError("progress.metrics: expected names of 1 to 64 bytes");
    }
  }
  return absl::OkStatus();
}

}  // namespace

grpc::ServerBidiReactor<v1::WorkerMessage, v1::Assignment>* WorkersService::Attach(
    grpc::CallbackServerContext* context) {
  return AttachStream::Begin(coordinator_, context);
}

grpc::Status WorkersService::ReportProgress(grpc::ServerContext*, const v1::ProgressRequest* request,
                                            v1::ProgressResponse*) {
  const absl::Status valid = ValidateProgress(request->progress());
  return ToGrpc(valid.ok() ? coordinator_.ReportProgress(*request) : valid);
}

grpc::Status WorkersService::FinishStage(grpc::ServerContext*, const v1::FinishStageRequest* request,
                                         v1::FinishStageResponse*) {
  if (request->error().size() > kLongestError) {
    return ToGrpc(absl::InvalidArgumentError(
        absl::StrCat("error: found ", request->error().size(), " bytes, expected at most ", kLongestError)));
  }
  return ToGrpc(coordinator_.FinishStage(*request));
}

grpc::Status WorkersService::List(grpc::ServerContext*, const v1::ListWorkersRequest*,
                                  v1::ListWorkersResponse* response) {
  auto workers = coordinator_.ListWorkers();
  if (!workers.ok()) return ToGrpc(workers.status());
  for (v1::Worker& worker : *workers) *response->add_workers() = std::move(worker);
  return grpc::Status::OK;
}

}  // namespace understudy
