#include "coordinator/services/experiments_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/rpc/channel.h"
#include "coordinator/services/watch_stream.h"

namespace understudy {
namespace {

constexpr size_t kLongestToken = 128;

}  // namespace

grpc::Status ExperimentsService::Submit(grpc::ServerContext*, const v1::SubmitRequest* request,
                                        v1::SubmitResponse* response) {
  if (request->token().size() > kLongestToken) {
    return ToGrpc(absl::InvalidArgumentError(
        absl::StrCat("token: found ", request->token().size(), " bytes, expected at most ", kLongestToken)));
  }
  auto id = coordinator_.Submit(*request);
  if (!id.ok()) return ToGrpc(id.status());
  response->set_id(*std::move(id));
  return grpc::Status::OK;
}

grpc::Status ExperimentsService::Get(grpc::ServerContext*, const v1::GetExperimentRequest* request,
                                     v1::Experiment* response) {
  auto experiment = coordinator_.GetExperiment(request->id());
  if (!experiment.ok()) return ToGrpc(experiment.status());
  *response = *std::move(experiment);
  return grpc::Status::OK;
}

grpc::Status ExperimentsService::List(grpc::ServerContext*, const v1::ListExperimentsRequest*,
                                      v1::ListExperimentsResponse* response) {
  auto experiments = coordinator_.ListExperiments();
  if (!experiments.ok()) return ToGrpc(experiments.status());
  for (v1::Experiment& experiment : *experiments) *response->add_experiments() = std::move(experiment);
  return grpc::Status::OK;
}

grpc::ServerWriteReactor<v1::Experiment>* ExperimentsService::Watch(grpc::CallbackServerContext*,
                                                                    const v1::WatchExperimentRequest* request) {
  return WatchStream::Begin(coordinator_, request->id());
}

grpc::Status ExperimentsService::Cancel(grpc::ServerContext*, const v1::CancelExperimentRequest* request,
                                        v1::Experiment* response) {
  auto experiment = coordinator_.Cancel(request->id());
  if (!experiment.ok()) return ToGrpc(experiment.status());
  *response = *std::move(experiment);
  return grpc::Status::OK;
}

grpc::Status ExperimentsService::Pause(grpc::ServerContext*, const v1::PauseExperimentRequest* request,
                                       v1::Experiment* response) {
  auto experiment = coordinator_.Pause(request->id());
  if (!experiment.ok()) return ToGrpc(experiment.status());
  *response = *std::move(experiment);
  return grpc::Status::OK;
}

grpc::Status ExperimentsService::Resume(grpc::ServerContext*, const v1::ResumeExperimentRequest* request,
                                        v1::Experiment* response) {
  auto experiment = coordinator_.Resume(request->id());
  if (!experiment.ok()) return ToGrpc(experiment.status());
  *response = *std::move(experiment);
  return grpc::Status::OK;
}

grpc::Status ExperimentsService::ListMetrics(grpc::ServerContext*, const v1::ListMetricsRequest* request,
                                             v1::ListMetricsResponse* response) {
  const auto experiment = store_.GetExperiment(request->id());
  if (!experiment.ok()) return ToGrpc(experiment.status());
  if (request->stage() < 0 || request->stage() >= experiment->stages_size()) {
    return ToGrpc(absl::InvalidArgumentError(
        absl::StrCat("stage: found ", request->stage() + 1, ", expected 1 to ", experiment->stages_size())));
  }
  auto metrics = store_.ListMetrics(request->id(), request->stage());
  if (!metrics.ok()) return ToGrpc(metrics.status());
  for (v1::StageProgress& progress : *metrics) *response->add_metrics() = std::move(progress);
  return grpc::Status::OK;
}

}  // namespace understudy
