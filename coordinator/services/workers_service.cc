#include "coordinator/services/workers_service.h"

#include <utility>

#include "common/rpc/channel.h"
#include "coordinator/services/attach_stream.h"
#include "coordinator/services/worker_messages.h"

namespace understudy {
grpc::ServerBidiReactor<v1::WorkerMessage, v1::Assignment>* WorkersService::Attach(
    grpc::CallbackServerContext* context) {
  return AttachStream::Begin(coordinator_, access_, context);
}

grpc::Status WorkersService::ReportProgress(grpc::ServerContext*, const v1::ProgressRequest* request,
                                            v1::ProgressResponse*) {
  const absl::Status valid = ValidateProgress(*request);
  return ToGrpc(valid.ok() ? coordinator_.ReportProgress(*request) : valid);
}

grpc::Status WorkersService::FinishStage(grpc::ServerContext*, const v1::FinishStageRequest* request,
                                         v1::FinishStageResponse*) {
  const absl::Status valid = ValidateFinish(*request);
  return ToGrpc(valid.ok() ? coordinator_.FinishStage(*request) : valid);
}

grpc::Status WorkersService::List(grpc::ServerContext*, const v1::ListWorkersRequest*,
                                  v1::ListWorkersResponse* response) {
  auto workers = coordinator_.ListWorkers();
  if (!workers.ok()) return ToGrpc(workers.status());
  for (v1::Worker& worker : *workers) *response->add_workers() = std::move(worker);
  return grpc::Status::OK;
}

}  // namespace understudy
