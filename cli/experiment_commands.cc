#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/commands.h"
#include "cli/experiment_report.h"
#include "cli/experiment_session.h"
#include "cli/persistent_client.h"
#include "cli/progress.h"
#include "common/config/experiment_file.h"
#include "common/config/experiment_reference.h"
#include "common/process/text.h"

namespace understudy {
namespace {

void Print(const v1::Experiment& experiment, bool json, const Console& console) {
  if (json) {
    PrintJson(ExperimentJson(experiment), console);
  } else {
    console.out << FormatExperiment(experiment);
  }
}

absl::StatusOr<int> Submit(const ClientOptions& options, const Console& console) {
  const absl::StatusOr<v1::ExperimentSpec> spec = LoadExperimentFile(options.name);
  if (!spec.ok()) return spec.status();
  console.err << FormatRemainders(*spec);
  const auto connection = Connection::Open(options.connection, Access::kWrite);
  if (!connection.ok()) return connection.status();
  const auto response =
      (*connection)->Quick(&v1::Experiments::Stub::Submit, (*connection)->experiments(), MakeSubmitRequest(*spec));
  if (!response.ok()) return response.status();
  const std::string& id = response->id();
  if (options.json) {
    PrintJson({{"id", id}}, console);
  } else {
    console.out << "submitted " << spec->name() << " as " << id << "\n  understudy experiments watch "
                << ShellQuoted(id) << '\n';
  }
  return 0;
}

struct ExperimentListOptions : ListOptions {
  bool unfinished = false;
};

absl::StatusOr<int> List(const ExperimentListOptions& options, const Console& console) {
  v1::ListExperimentsRequest request;
  request.set_unfinished(options.unfinished);
  return PrintList(options, console, "experiments", &v1::Experiments::Stub::List, &Connection::experiments, request,
                   &v1::ListExperimentsResponse::mutable_experiments, ExperimentJson, FormatExperiments);
}

// Makes a call about the experiment that the options name, and prints the experiment that it returns.
template <typename Request>
absl::StatusOr<int> CallAndPrint(const ClientOptions& options, const Console& console, Access access,
                                 grpc::Status (v1::Experiments::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                               v1::Experiment*)) {
  const auto connection = Connection::Open(options.connection, access);
  if (!connection.ok()) return connection.status();
  Request request;
  request.set_id(options.name);
  const auto experiment = (*connection)->Quick(method, (*connection)->experiments(), request);
  if (!experiment.ok()) return experiment.status();
  Print(*experiment, options.json, console);
  return 0;
}

absl::StatusOr<int> Show(const ClientOptions& options, const Console& console) {
  return CallAndPrint(options, console, Access::kRead, &v1::Experiments::Stub::Get);
}

absl::StatusOr<int> Cancel(const ClientOptions& options, const Console& console) {
  return CallAndPrint(options, console, Access::kWrite, &v1::Experiments::Stub::Cancel);
}

absl::StatusOr<int> Pause(const ClientOptions& options, const Console& console) {
  return CallAndPrint(options, console, Access::kWrite, &v1::Experiments::Stub::Pause);
}

absl::StatusOr<int> Resume(const ClientOptions& options, const Console& console) {
  const absl::StatusOr<int> exit_status =
      CallAndPrint(options, console, Access::kWrite, &v1::Experiments::Stub::Resume);
  if (exit_status.ok() && !options.json) {
    console.out << "  understudy experiments watch " << ShellQuoted(options.name) << '\n';
  }
  return exit_status;
}

absl::StatusOr<int> Watch(const ClientOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kRead);
  if (!connection.ok()) return connection.status();
  absl::StatusOr<v1::Experiment> experiment;
  {
    ProgressPrinter progress(console);
    PersistentClient client(**connection, {.log = [&progress](std::string_view line) { progress.Print(line); }});
    experiment =
        client.Watch(options.name, [&progress](const v1::Experiment& state) { progress.Update(state, absl::Now()); });
  }
  if (!experiment.ok()) return experiment.status();
  Print(*experiment, options.json, console);
  if (absl::Status status = ExperimentStatus(*experiment); !status.ok()) return status;
  return 0;
}

struct DeleteOptions {
  ConnectionOptions connection;
  std::vector<std::string> ids;
  absl::Duration older_than;
  bool json = false;
};

void PrintDeleted(int64_t count, bool json, const Console& console) {
  if (json) {
    PrintJson({{"deleted", count}}, console);
  } else {
    console.out << "deleted " << CountText(count) << (count == 1 ? " experiment\n" : " experiments\n");
  }
}

absl::Status DeleteExperiments(const Connection& connection, v1::Experiments::Stub& stub,
                               const std::vector<std::string>& ids) {
  v1::DeleteExperimentsRequest request;
  request.mutable_ids()->Add(ids.begin(), ids.end());
  return connection.Patient(&v1::Experiments::Stub::Delete, stub, request).status();
}

absl::StatusOr<int> Delete(const DeleteOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kWrite);
  if (!connection.ok()) return connection.status();
  const absl::Status status = DeleteExperiments(**connection, (*connection)->experiments(), options.ids);
  if (!status.ok()) return status;
  PrintDeleted(static_cast<int64_t>(options.ids.size()), options.json, console);
  return 0;
}

// Lists and deletes a page at a time. An interruption leaves no experiment half deleted.
absl::StatusOr<int> Prune(const DeleteOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kWrite);
  if (!connection.ok()) return connection.status();
  v1::Experiments::Stub& stub = (*connection)->experiments();
  v1::ListExperimentsRequest request;
  request.set_finished_before_unix_ms(absl::ToUnixMillis(absl::Now() - options.older_than));
  request.set_page_size(100);
  int64_t deleted = 0;
  do {
    const auto page = (*connection)->Quick(&v1::Experiments::Stub::List, stub, request);
    if (!page.ok()) return page.status();
    std::vector<std::string> ids;
    for (const v1::Experiment& experiment : page->experiments()) ids.push_back(experiment.id());
    const absl::Status status = ids.empty() ? absl::OkStatus() : DeleteExperiments(**connection, stub, ids);
    if (!status.ok()) return status;
    deleted += static_cast<int64_t>(ids.size());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  PrintDeleted(deleted, options.json, console);
  return 0;
}

absl::StatusOr<int> Keys(const ClientOptions&, const Console& console) {
  console.out << ExperimentReference();
  return 0;
}

void AddWithId(CLI::App& group, Action& action, const std::string& name, const std::string& description,
               void (*add_source)(CLI::App&, ConnectionOptions&),
               std::function<absl::StatusOr<int>(const ClientOptions&, const Console&)> run) {
  const auto [command, options] =
      AddCommand<ClientOptions>(group, action, name, description, "understudy experiments " + name + " ID", run);
  AddText(*command, "ID", options->name, "The experiment, as submit and list print it", {.required = true});
  add_source(*command, options->connection);
  AddJsonFlag(*command, options->json);
}

}  // namespace

void AddExperimentCommands(CLI::App& app, Action& action) {
  CLI::App& group = AddGroup(app, "experiments", "Submit, watch, pause, resume, cancel and delete experiments",
                             "understudy experiments submit deploy/experiments/cartpole.yaml");
  {
    const auto [command, options] =
        AddCommand<ClientOptions>(group, action, "submit", "Submit an experiment, and return at once",
                                  "understudy experiments submit deploy/experiments/cartpole.yaml", Submit);
    AddText(*command, "FILE", options->name, "The experiment file", {.required = true, .check = CheckPath});
    AddCoordinatorOption(*command, options->connection);
    AddJsonFlag(*command, options->json);
  }
  {
    const auto [command, options] =
        AddCommand<ExperimentListOptions>(group, action, "list", "List experiments, newest first",
                                          "understudy experiments list --coordinator 10.0.0.7:50051", List);
    AddSourceOptions(*command, options->connection);
    AddFlag(*command, "--unfinished", options->unfinished, "List only those that have not finished");
    AddListOptions(*command, *options);
  }
  AddWithId(group, action, "show", "Show an experiment: its stages, their results, and what it is waiting for",
            AddSourceOptions, Show);
  AddWithId(group, action, "watch", "Follow an experiment to its end. The exit status is 0 only if it succeeds",
            AddCoordinatorOption, Watch);
  AddWithId(group, action, "cancel", "Cancel an experiment; what it has stored stays", AddSourceOptions, Cancel);
  AddWithId(group, action, "pause", "Stop work on an experiment until it is resumed", AddCoordinatorOption, Pause);
  AddWithId(group, action, "resume", "Continue a paused, failed or cancelled experiment where it stopped",
            AddCoordinatorOption, Resume);
  AddMetricsCommand(group, action);
  {
    const auto [command, options] = AddCommand<DeleteOptions>(
        group, action, "delete", "Delete finished experiments with their metrics; their policies and datasets stay",
        "understudy experiments delete cartpole-96e03f", Delete);
    AddWords(*command, "ID", options->ids, "The experiments, as submit and list print them");
    AddSourceOptions(*command, options->connection);
    AddJsonFlag(*command, options->json);
  }
  {
    const auto [command, options] = AddCommand<DeleteOptions>(
        group, action, "prune", "Delete all experiments that finished some time ago, as delete does",
        "understudy experiments prune --older_than 30d", Prune);
    AddOlderThanOption(*command, options->older_than);
    AddSourceOptions(*command, options->connection);
    AddJsonFlag(*command, options->json);
  }
  AddCommand<ClientOptions>(group, action, "keys",
                            "List all keys of an experiment file with their meaning, bounds and defaults",
                            "understudy experiments keys", Keys);
}

}  // namespace understudy
