#include "coordinator/cli/experiment_client.h"

#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/cli/number_format.h"

namespace understudy {
namespace {

std::string MakeToken() {
  std::random_device random;
  std::string token;
  for (int i = 0; i < 4; ++i) absl::StrAppend(&token, absl::Hex(random(), absl::kZeroPad8));
  return token;
}

}  // namespace

absl::StatusOr<std::string> SubmitExperiment(Connection& connection, const v1::ExperimentSpec& spec) {
  v1::SubmitRequest request;
  *request.mutable_spec() = spec;
  request.set_token(MakeToken());
  const auto response = connection.Quick(&v1::Experiments::Stub::Submit, connection.experiments(), request);
  if (!response.ok()) return response.status();
  return response->id();
}

absl::StatusOr<v1::Experiment> WatchExperiment(Connection& connection, const std::string& id,
                                               grpc::ClientContext& context,
                                               const std::function<void(const v1::Experiment&)>& seen) {
  v1::WatchExperimentRequest request;
  request.set_id(id);
  const auto reader = connection.experiments().Watch(&context, request);
  v1::Experiment experiment;
  while (reader->Read(&experiment)) seen(experiment);
  if (absl::Status status = connection.Result(reader->Finish()); !status.ok()) return status;
  if (!HasEnded(experiment.status())) {
    return absl::InternalError(
        absl::StrCat("watching experiment ", id, " ended while it is ", StatusName(experiment.status())));
  }
  return experiment;
}

absl::Status ExperimentStatus(const v1::Experiment& experiment) {
  if (experiment.status() == v1::STATUS_SUCCEEDED) return absl::OkStatus();
  std::string why = experiment.error();
  for (int i = 0; i < experiment.stages_size(); ++i) {
    const v1::StageState& stage = experiment.stages(i);
    if (stage.error().empty()) continue;
    why = absl::StrCat("stage ", i + 1, " (", stage.kind(), " ", stage.name(), "): ", stage.error());
    break;
  }
  return absl::AbortedError(absl::StrCat("experiment ", experiment.spec().name(), " ", StatusName(experiment.status()),
                                         why.empty() ? "" : ": ", why));
}

ExperimentWatcher::ExperimentWatcher(Connection& connection, std::string id,
                                     std::function<void(const v1::Experiment&)> seen, std::function<void()> ended)
    : thread_([this, &connection, id = std::move(id), seen = std::move(seen), ended = std::move(ended)] {
        const auto last = WatchExperiment(connection, id, context_, [this, &seen](const v1::Experiment& experiment) {
          {
            MutexLock lock(mutex_);
            latest_ = experiment;
          }
          seen(experiment);
        });
        {
          MutexLock lock(mutex_);
          status_ = last.status();
        }
        ended();
      }) {}

ExperimentWatcher::~ExperimentWatcher() {
  context_.TryCancel();
  thread_.join();
}

v1::Experiment ExperimentWatcher::Latest() const {
  MutexLock lock(mutex_);
  return latest_;
}

absl::Status ExperimentWatcher::status() const {
  MutexLock lock(mutex_);
  return status_;
}

}  // namespace understudy
