#include "cli/run.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "cli/commands.h"
#include "cli/experiment_report.h"
#include "cli/experiment_session.h"
#include "cli/local_cluster.h"
#include "cli/progress.h"
#include "common/config/experiment_file.h"
#include "common/process/text.h"
#include "common/rpc/channel.h"

namespace understudy {
namespace {

constexpr absl::Duration kStopPatience = absl::Seconds(3);
constexpr absl::Duration kPauseTimeout = absl::Seconds(2);

std::string OwnDirectory() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string();
}

std::string NewDirectory(const std::string& experiment, absl::Time now) {
  return absl::StrCat("understudy-data/", experiment, "-", absl::FormatTime("%Y%m%d-%H%M%S", now, absl::UTCTimeZone()),
                      "-", getpid());
}

// The learners of the stage that needs most.
int LearnersFor(const v1::ExperimentSpec& spec) {
  int learners = 1;
  for (const v1::StageSpec& stage : spec.stages()) learners = std::max(learners, stage.train().learners());
  return learners;
}

// Why this run ends early, and the command that goes on with it.
std::string ToGoOn(absl::string_view why, const RunOptions& options, const std::string& directory) {
  const RunOptions defaults;
  std::string text = absl::StrCat(why, "; to go on: understudy run ", ShellQuoted(options.file));
  if (options.actors != defaults.actors) absl::StrAppend(&text, " --actors ", options.actors);
  if (options.log_level != defaults.log_level) absl::StrAppend(&text, " --log_level ", options.log_level);
  if (options.json) absl::StrAppend(&text, " --json");
  absl::StrAppend(&text, " --data_dir ", ShellQuoted(directory));
  return text;
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

// The experiment once it is paused. Where the coordinator does not answer, the experiment as it was last seen: it goes
// on from its last checkpoint in either case.
v1::Experiment Pause(Connection& connection, v1::Experiment last_seen) {
  grpc::ClientContext context;
  SetDeadline(context, kPauseTimeout);
  v1::PauseExperimentRequest request;
  request.set_id(last_seen.id());
  v1::Experiment paused;
  return connection.experiments().Pause(&context, request, &paused).ok() ? paused : last_seen;
}

struct Ending {
  v1::Experiment experiment;  // without an id: it was not accepted
  absl::Status reason;        // why the run ended before the experiment did
};

Ending SubmitAndFollow(const v1::ExperimentSpec& spec, const std::string& directory, absl::Time begin,
                       ProcessGroup& processes, LocalCluster& cluster, ProgressPrinter& progress) {
  const std::unique_ptr<Connection> connection = Connection::At(cluster.address());
  const ExperimentSession session(
      *connection, {.spec = spec,
                    .directory = directory,
                    .begin = begin,
                    .seen = [&progress](const v1::Experiment& experiment) { progress.Update(experiment, absl::Now()); },
                    .log = [&progress](std::string_view line) { progress.Print(line); },
                    .ended = [&processes] { processes.Wake(); }});
  Ending ending;
  ending.reason = Follow(processes, cluster, session);
  ending.experiment = session.Latest();
  if (ending.reason.ok() || ending.experiment.id().empty()) return ending;
  ending.experiment = Pause(*connection, std::move(ending.experiment));
  if (HasEnded(ending.experiment.status())) ending.reason = absl::OkStatus();  // it was quicker
  return ending;
}

void PrintResult(const v1::Experiment& experiment, const std::string& directory, bool json, const Console& console) {
  if (json) {
    nlohmann::ordered_json result = ExperimentJson(experiment);
    result["data_dir"] = directory;
    console.out << result.dump(2) << '\n';
    return;
  }
  console.out << FormatExperiment(experiment) << "\nresults are in " << directory << '\n';
  const std::string where = absl::StrCat(" --data_dir ", ShellQuoted(directory), "\n");
  for (const v1::StageState& stage : experiment.stages()) {
    if (!stage.has_collect()) continue;
    console.out << "  understudy datasets show " << ShellQuoted(stage.collect().dataset()) << where;
    break;
  }
  console.out << "  understudy policies list" << where;
  console.out << "  understudy experiments metrics " << experiment.id() << where;
}

// The last line of a run that has printed its result; OK where that is a success.
absl::Status LastLine(const Ending& ending, const RunOptions& options, const std::string& directory) {
  if (!ending.reason.ok()) return {ending.reason.code(), ToGoOn(ending.reason.message(), options, directory)};
  if (ending.experiment.status() == v1::STATUS_PAUSED) {
    return absl::AbortedError(ToGoOn("the experiment has been paused", options, directory));
  }
  const absl::Status status = ExperimentStatus(ending.experiment);
  if (status.ok()) return status;
  return {status.code(), absl::StrCat(status.message(), "; results are in ", directory)};
}

// The error of a run that does not know of an experiment. There may be one all the same, where the coordinator could
// not say so any more; and a new directory may be left, where the coordinator was killed.
absl::Status NotBegun(const absl::Status& why, const RunOptions& options, const std::string& directory) {
  std::error_code error;
  if (!std::filesystem::exists(directory, error)) return why;
  if (absl::IsCancelled(why)) return absl::CancelledError(ToGoOn(why.message(), options, directory));
  if (!options.data_directory.empty()) return why;
  return {why.code(), absl::StrCat(why.message(), "; its data directory is ", directory)};
}

}  // namespace

absl::StatusOr<int> RunExperiment(const RunOptions& options, const Console& console) {
  const absl::Time begin = absl::Now();
  const absl::StatusOr<v1::ExperimentSpec> spec = LoadExperimentFile(options.file);
  if (!spec.ok()) return spec.status();
  console.err << FormatRemainders(*spec);
  const std::string directory =
      options.data_directory.empty() ? NewDirectory(spec->name(), begin) : options.data_directory;
  absl::StatusOr<std::unique_ptr<ProcessGroup>> processes = ProcessGroup::Make();
  if (!processes.ok()) return processes.status();

  ProgressPrinter progress(console);
  const auto log = [&progress](std::string_view line) { progress.Print(line); };
  absl::StatusOr<LocalCluster> cluster = LocalCluster::Start(
      **processes, {.program_directory = options.program_directory.empty() ? OwnDirectory() : options.program_directory,
                    .data_directory = directory,
                    .learners = LearnersFor(*spec),
                    .actors = options.actors,
                    .log_level = options.log_level,
                    .log = log});
  Ending ending = cluster.ok() ? SubmitAndFollow(*spec, directory, begin, **processes, *cluster, progress)
                               : Ending{.experiment = {}, .reason = cluster.status()};
  progress.Finish();
  // While they all stop at once, workers warn that the coordinator is gone: for those only who asked for more than
  // warnings.
  const bool chatty = options.log_level == "info" || options.log_level == "debug";
  (*processes)->Stop(kStopPatience, [&log, chatty](const ProcessEvent& event) {
    if (chatty && event.kind == ProcessEvent::Kind::kError) log(event.text);
  });
  v1::Experiment& experiment = ending.experiment;
  if (experiment.id().empty()) return NotBegun(ending.reason, options, directory);

  experiment.set_submitted_unix_ms(absl::ToUnixMillis(begin));  // its time is the whole command's
  experiment.set_finished_unix_ms(absl::ToUnixMillis(absl::Now()));
  PrintResult(experiment, directory, options.json, console);
  if (absl::Status status = LastLine(ending, options, directory); !status.ok()) return status;
  if (options.json && options.data_directory.empty()) console.err << "understudy: results are in " << directory << '\n';
  return 0;
}

void AddRunCommand(CLI::App& app, Action& action) {
  const auto [command, options] = AddCommand<RunOptions>(
      app, action, "run",
      "Run an experiment on this machine from start to end, with its own coordinator, learners and actors",
      "understudy run deploy/experiments/cartpole.yaml --actors 4 --data_dir demonstrations", RunExperiment);
  AddText(*command, "FILE", options->file, "The experiment file", {.required = true, .check = CheckPath});
  AddNumber(*command, "--actors", options->actors,
            "The number of actor processes. More of them collect faster, with the same result", 1, 1000);
  AddText(*command, "--data_dir", options->data_directory,
          "The directory that keeps policies and datasets; default: a new directory in understudy-data. A run that was "
          "interrupted or killed continues when it is run again in the same directory",
          {.type = "DIR", .check = CheckDirectoryName});
  AddText(*command, "--log_level", options->log_level, "What the processes log to standard error",
          {.one_of = {"debug", "info", "warning", "error"}});
  AddJsonFlag(*command, options->json);
}

}  // namespace understudy
