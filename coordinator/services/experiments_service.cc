#include "coordinator/services/experiments_service.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/process/mutex.h"
#include "common/rpc/channel.h"
#include "coordinator/experiment_watchers.h"
#include "coordinator/scheduling/experiment_machine.h"
#include "understudy/v1/experiments.pb.h"

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

// The server side of one Watch stream, which sends the newest state of an experiment as fast as the reader takes it.
//
// A stream has one write in flight. A state that comes during a write waits, and a later one replaces it. The object
// lives until gRPC is done with it and nobody holds it as a watcher. Thread-safe.
class WatchStream final : public grpc::ServerWriteReactor<v1::Experiment>,
                          public ExperimentWatcher,
                          public std::enable_shared_from_this<WatchStream> {
 public:
  static WatchStream* Begin(Coordinator& coordinator, const std::string& experiment);

  void Show(const v1::Experiment& experiment) override;
  void Close(absl::Status status) override;

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  WatchStream(Coordinator& coordinator, std::string experiment)
      : coordinator_(coordinator), experiment_(std::move(experiment)) {}
  // Writes or finishes, if that is possible now.
  void Proceed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Coordinator& coordinator_;
  const std::string experiment_;
  std::shared_ptr<WatchStream> self_;  // while gRPC uses it

  Mutex mutex_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  v1::Experiment outgoing_ ABSL_GUARDED_BY(mutex_);
  std::optional<v1::Experiment> pending_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Status> close_ ABSL_GUARDED_BY(mutex_);  // after what is pending
};

WatchStream* WatchStream::Begin(Coordinator& coordinator, const std::string& experiment) {
  std::shared_ptr<WatchStream> stream(new WatchStream(coordinator, experiment));
  stream->self_ = stream;
  coordinator.Watch(experiment, stream);
  return stream.get();
}

void WatchStream::Show(const v1::Experiment& experiment) {
  MutexLock lock(mutex_);
  if (close_) return;
  pending_ = experiment;
  if (IsAtRest(experiment.status())) close_ = absl::OkStatus();
  Proceed();
}

void WatchStream::Close(absl::Status status) {
  MutexLock lock(mutex_);
  if (!close_) close_ = std::move(status);
  Proceed();
}

void WatchStream::Proceed() {
  if (writing_ || finished_) return;
  if (pending_) {
    outgoing_ = *std::exchange(pending_, std::nullopt);
    writing_ = true;
    StartWrite(&outgoing_);
  } else if (close_) {
    finished_ = true;
    Finish(ToGrpc(*close_));
  }
}

void WatchStream::OnWriteDone(bool ok) {
  MutexLock lock(mutex_);
  writing_ = false;
  if (!ok) {
    pending_.reset();
    close_ = absl::UnavailableError("the stream is broken");
  }
  Proceed();
}

void WatchStream::OnCancel() {
  MutexLock lock(mutex_);
  pending_.reset();
  if (!close_) close_ = absl::CancelledError("the watcher has gone");
  Proceed();
}

void WatchStream::OnDone() { coordinator_.Unwatch(experiment_, std::exchange(self_, nullptr)); }

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
