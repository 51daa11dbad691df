#include "coordinator/services/workers_service.h"

#include <utility>

#include "common/rpc/channel.h"
#include "coordinator/services/attach_stream.h"
#include "coordinator/services/worker_messages.h"
#include "coordinator/storage/page.h"

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

grpc::Status WorkersService::List(grpc::ServerContext*, const v1::ListWorkersRequest* request,
                                  v1::ListWorkersResponse* response) {
  constexpr char kWorkers[] = "workers";
  const auto size = PageSize({.size = request->page_size()});
  if (!size.ok()) return ToGrpc(size.status());
  const auto after = ParsePageToken(kWorkers, request->page_token(), 1);
  if (!after.ok()) return ToGrpc(after.status());
  auto workers = coordinator_.ListWorkers(after->empty() ? "" : after->front(), *size + 1);
  if (!workers.ok()) return ToGrpc(workers.status());
  const bool more = static_cast<int64_t>(workers->size()) > *size;
  if (more) workers->pop_back();
  if (more) response->set_next_page_token(MakePageToken(kWorkers, {workers->back().hello().worker_id()}));
  for (v1::Worker& worker : *workers) *response->add_workers() = std::move(worker);
  return grpc::Status::OK;
}

}  // namespace understudy
