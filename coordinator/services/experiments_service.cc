#include "coordinator/services/experiments_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/rpc/channel.h"
#include "coordinator/scheduling/experiment_machine.h"
#include "coordinator/services/watch_stream.h"

namespace understudy {
namespace {

constexpr size_t kLongestToken = 128;
constexpr int kMostDeleted = 1000;

absl::Status NeedsCoordinator() {
  return absl::FailedPreconditionError("nobody runs experiments here: this is a store without a coordinator");
}

// Answers with a result, or its error.
template <typename Response>
grpc::Status Answer(absl::StatusOr<Response> result, Response* response) {
  if (!result.ok()) return ToGrpc(result.status());
  *response = *std::move(result);
  return grpc::Status::OK;
}

absl::StatusOr<v1::Experiment> CancelStored(const std::string& id, Store& store) {
  absl::StatusOr<v1::Experiment> experiment = store.GetExperiment(id);
  if (!experiment.ok() || IsFinished(experiment->status())) return experiment;
  CancelExperiment(*experiment, absl::Now());
  if (absl::Status status = store.PutExperiment(*experiment, ""); !status.ok()) return status;
  return experiment;
}

}  // namespace

grpc::Status ExperimentsService::Submit(grpc::ServerContext*, const v1::SubmitRequest* request,
                                        v1::SubmitResponse* response) {
  if (request->token().size() > kLongestToken) {
    return ToGrpc(absl::InvalidArgumentError(
        absl::StrCat("token: found ", request->token().size(), " bytes, expected at most ", kLongestToken)));
  }
  if (coordinator_ == nullptr) return ToGrpc(NeedsCoordinator());
  auto id = coordinator_->Submit(*request);
  if (!id.ok()) return ToGrpc(id.status());
  response->set_id(*std::move(id));
  return grpc::Status::OK;
}

grpc::Status ExperimentsService::Get(grpc::ServerContext*, const v1::GetExperimentRequest* request,
                                     v1::Experiment* response) {
  return Answer(
      coordinator_ != nullptr ? coordinator_->GetExperiment(request->id()) : store_.GetExperiment(request->id()),
      response);
}

grpc::Status ExperimentsService::List(grpc::ServerContext*, const v1::ListExperimentsRequest* request,
                                      v1::ListExperimentsResponse* response) {
  const ExperimentFilter filter{.unfinished = request->unfinished(),
                                .finished_before_unix_ms = request->finished_before_unix_ms()};
  const PageRequest wanted{.size = request->page_size(), .token = request->page_token()};
  auto page =
      coordinator_ != nullptr ? coordinator_->ListExperiments(filter, wanted) : store_.ListExperiments(filter, wanted);
  if (!page.ok()) return ToGrpc(page.status());
  for (v1::Experiment& experiment : page->items) *response->add_experiments() = std::move(experiment);
  response->set_next_page_token(std::move(page->next_token));
  return grpc::Status::OK;
}

grpc::ServerWriteReactor<v1::Experiment>* ExperimentsService::Watch(grpc::CallbackServerContext*,
                                                                    const v1::WatchExperimentRequest* request) {
  // Without a reactor, gRPC answers that the call is not served here.
  return coordinator_ == nullptr ? nullptr : WatchStream::Begin(*coordinator_, request->id());
}

grpc::Status ExperimentsService::Cancel(grpc::ServerContext*, const v1::CancelExperimentRequest* request,
                                        v1::Experiment* response) {
  return Answer(coordinator_ != nullptr ? coordinator_->Cancel(request->id()) : CancelStored(request->id(), store_),
                response);
}

grpc::Status ExperimentsService::Pause(grpc::ServerContext*, const v1::PauseExperimentRequest* request,
                                       v1::Experiment* response) {
  if (coordinator_ == nullptr) return ToGrpc(NeedsCoordinator());
  return Answer(coordinator_->Pause(request->id()), response);
}

grpc::Status ExperimentsService::Resume(grpc::ServerContext*, const v1::ResumeExperimentRequest* request,
                                        v1::Experiment* response) {
  if (coordinator_ == nullptr) return ToGrpc(NeedsCoordinator());
  return Answer(coordinator_->Resume(request->id()), response);
}

grpc::Status ExperimentsService::Delete(grpc::ServerContext*, const v1::DeleteExperimentsRequest* request,
                                        v1::DeleteExperimentsResponse*) {
  if (request->ids().empty() || request->ids_size() > kMostDeleted) {
    return ToGrpc(
        absl::InvalidArgumentError(absl::StrCat("ids: found ", request->ids_size(), ", expected 1 to ", kMostDeleted)));
  }
  const auto remove = [&] { return store_.DeleteExperiments({request->ids().begin(), request->ids().end()}); };
  const absl::Status deleted = coordinator_ != nullptr ? coordinator_->RunAlone(remove) : remove();
  if (deleted.ok()) store_.ReleaseSpace();
  return ToGrpc(deleted);
}

grpc::Status ExperimentsService::ListMetrics(grpc::ServerContext*, const v1::ListMetricsRequest* request,
                                             v1::ListMetricsResponse* response) {
  const auto experiment = store_.GetExperiment(request->id());
  if (!experiment.ok()) return ToGrpc(experiment.status());
  if (request->stage() < 0 || request->stage() >= experiment->stages_size()) {
    return ToGrpc(absl::InvalidArgumentError(
        absl::StrCat("stage: found ", request->stage() + 1, ", expected 1 to ", experiment->stages_size())));
  }
  auto page = store_.ListMetrics(request->id(), request->stage(),
                                 {.size = request->page_size(), .token = request->page_token()});
  if (!page.ok()) return ToGrpc(page.status());
  for (v1::StageProgress& progress : page->items) *response->add_metrics() = std::move(progress);
  response->set_next_page_token(std::move(page->next_token));
  return grpc::Status::OK;
}

}  // namespace understudy
