#include "cli/run.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/experiment_client.h"
#include "cli/experiment_json.h"
#include "cli/experiment_report.h"
#include "cli/experiment_session.h"
#include "cli/local_cluster.h"
#include "cli/progress_printer.h"
#include "cli/result_directory.h"
#include "common/config/experiment_file.h"
#include "common/rpc/channel.h"

namespace understudy {
namespace {

constexpr absl::Duration kStopPatience = absl::Seconds(3);
constexpr absl::Duration kCancelTimeout = absl::Seconds(2);

std::string OwnDirectory() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string();
}

// As many as the stage needs that needs most.
int LearnersFor(const v1::ExperimentSpec& spec) {
  int learners = 1;
  for (const v1::StageSpec& stage : spec.stages()) learners = std::max(learners, stage.train().learners());
  return learners;
}

// Until the session has ended, with its status, or there is a reason to end it.
absl::Status Follow(ProcessGroup& processes, LocalCluster& cluster, const ExperimentSession& session) {
  while (true) {
    const ProcessEvent event = processes.Next(absl::InfiniteFuture());
    if (event.kind == ProcessEvent::Kind::kWake) return session.status();
    if (event.kind == ProcessEvent::Kind::kSignal) return absl::CancelledError("interrupted");
    if (absl::Status status = cluster.Supervise(event); !status.ok()) return status;
  }
}

// The experiment after it was cancelled for `reason`, or as it was last seen where that is not possible any more.
v1::Experiment Cancel(Connection& connection, v1::Experiment last_seen, const absl::Status& reason) {
  grpc::ClientContext context;
  SetDeadline(context, kCancelTimeout);
  v1::CancelExperimentRequest request;
  request.set_id(last_seen.id());
  v1::Experiment cancelled;
  if (connection.experiments().Cancel(&context, request, &cancelled).ok()) return cancelled;
  last_seen.set_status(absl::IsCancelled(reason) ? v1::STATUS_CANCELLED : v1::STATUS_FAILED);
  last_seen.set_error(std::string(reason.message()));
  return last_seen;
}

// How the experiment ended, and why, were it not by itself.
struct Ending {
  v1::Experiment experiment;
  absl::Status reason;
};

absl::StatusOr<Ending> SubmitAndFollow(const v1::ExperimentSpec& spec, ProcessGroup& processes, LocalCluster& cluster,
                                       ProgressPrinter& progress) {
  const std::unique_ptr<Connection> connection = Connection::At(cluster.address());
  const ExperimentSession session(
      *connection, {.spec = spec,
                    .seen = [&progress](const v1::Experiment& experiment) { progress.Update(experiment, absl::Now()); },
                    .log = [&progress](std::string_view line) { progress.Print(line); },
                    .ended = [&processes] { processes.Wake(); }});
  Ending ending;
  ending.reason = Follow(processes, cluster, session);
  ending.experiment = session.Latest();
  if (ending.experiment.id().empty()) return ending.reason;  // it was never accepted
  if (!ending.reason.ok()) ending.experiment = Cancel(*connection, std::move(ending.experiment), ending.reason);
  return ending;
}

void PrintResult(const v1::Experiment& experiment, const std::string& directory, bool json, const Console& console) {
  if (json) {
    console.out << ExperimentJson(experiment).dump(2) << '\n';
    return;
  }
  console.out << FormatExperiment(experiment) << "\nresults are in " << directory << '\n';
  for (const v1::StageState& stage : experiment.stages()) {
    if (!stage.has_collect()) continue;
    console.out << "  understudy datasets show " << stage.collect().dataset() << " --data_dir " << directory << '\n';
    break;
  }
  console.out << "  understudy policies list --data_dir " << directory << '\n';
}

}  // namespace

absl::StatusOr<int> RunExperiment(const RunOptions& options, const Console& console) {
  const absl::Time begin = absl::Now();
  const absl::StatusOr<v1::ExperimentSpec> spec = LoadExperimentFile(options.file);
  if (!spec.ok()) return spec.status();
  ResultDirectory directory(options.data_directory, spec->name(), begin);
  absl::StatusOr<std::unique_ptr<ProcessGroup>> processes = ProcessGroup::Make();
  if (!processes.ok()) return processes.status();

  ProgressPrinter progress(console);
  const auto log = [&progress](std::string_view line) { progress.Print(line); };
  absl::StatusOr<LocalCluster> cluster = LocalCluster::Start(
      **processes, {.program_directory = options.program_directory.empty() ? OwnDirectory() : options.program_directory,
                    .data_directory = directory.path(),
                    .learners = LearnersFor(*spec),
                    .actors = options.actors,
                    .log_level = options.log_level,
                    .log = log});
  if (!cluster.ok()) return cluster.status();
  absl::StatusOr<Ending> ending = SubmitAndFollow(*spec, **processes, *cluster, progress);
  progress.Finish();
  // While they all stop at once, workers warn that the coordinator is gone: for those only who asked for more than
  // warnings.
  const bool chatty = options.log_level == "info" || options.log_level == "debug";
  (*processes)->Stop(kStopPatience, [&log, chatty](const ProcessEvent& event) {
    if (chatty && event.kind == ProcessEvent::Kind::kError) log(event.text);
  });
  if (!ending.ok()) return ending.status();
  directory.Keep();

  v1::Experiment& experiment = ending->experiment;  // its time is the whole command's
  experiment.set_submitted_unix_ms(absl::ToUnixMillis(begin));
  experiment.set_finished_unix_ms(absl::ToUnixMillis(absl::Now()));
  PrintResult(experiment, directory.path(), options.json, console);
  if (!ending->reason.ok()) return ending->reason;
  if (absl::Status status = ExperimentStatus(experiment); !status.ok()) return status;
  return 0;
}

}  // namespace understudy
