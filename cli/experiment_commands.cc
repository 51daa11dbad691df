#include <nlohmann/json.hpp>

#include "absl/time/clock.h"
#include "cli/commands.h"
#include "cli/experiment_client.h"
#include "cli/experiment_json.h"
#include "cli/experiment_report.h"
#include "cli/persistent_client.h"
#include "cli/progress_printer.h"
#include "common/config/experiment_file.h"
#include "common/config/experiment_reference.h"

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
  const auto connection = Connection::Open(options.connection, Access::kWrite);
  if (!connection.ok()) return connection.status();
  const auto response =
      (*connection)->Quick(&v1::Experiments::Stub::Submit, (*connection)->experiments(), MakeSubmitRequest(*spec));
  if (!response.ok()) return response.status();
  const std::string& id = response->id();
  if (options.json) {
    PrintJson({{"id", id}}, console);
  } else {
    console.out << "submitted " << spec->name() << " as " << id << "\n  understudy experiments watch " << id << '\n';
  }
  return 0;
}

absl::StatusOr<int> List(const ClientOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kRead);
  if (!connection.ok()) return connection.status();
  const auto response = (*connection)->Quick(&v1::Experiments::Stub::List, (*connection)->experiments(), {});
  if (!response.ok()) return response.status();
  if (options.json) {
    auto list = nlohmann::ordered_json::array();
    for (const v1::Experiment& experiment : response->experiments()) list.push_back(ExperimentJson(experiment));
    PrintJson(list, console);
  } else if (response->experiments().empty()) {
    console.out << "no experiments\n";
  } else {
    console.out << FormatExperiments({response->experiments().begin(), response->experiments().end()});
  }
  return 0;
}

absl::StatusOr<int> Show(const ClientOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kRead);
  if (!connection.ok()) return connection.status();
  v1::GetExperimentRequest request;
  request.set_id(options.name);
  const auto experiment = (*connection)->Quick(&v1::Experiments::Stub::Get, (*connection)->experiments(), request);
  if (!experiment.ok()) return experiment.status();
  Print(*experiment, options.json, console);
  return 0;
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

absl::StatusOr<int> Cancel(const ClientOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kWrite);
  if (!connection.ok()) return connection.status();
  v1::CancelExperimentRequest request;
  request.set_id(options.name);
  const auto experiment = (*connection)->Quick(&v1::Experiments::Stub::Cancel, (*connection)->experiments(), request);
  if (!experiment.ok()) return experiment.status();
  Print(*experiment, options.json, console);
  return 0;
}

absl::StatusOr<int> Resume(const ClientOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kWrite);
  if (!connection.ok()) return connection.status();
  v1::ResumeExperimentRequest request;
  request.set_id(options.name);
  const auto experiment = (*connection)->Quick(&v1::Experiments::Stub::Resume, (*connection)->experiments(), request);
  if (!experiment.ok()) return experiment.status();
  Print(*experiment, options.json, console);
  if (!options.json) console.out << "  understudy experiments watch " << options.name << '\n';
  return 0;
}

absl::StatusOr<int> Keys(const ClientOptions&, const Console& console) {
  console.out << ExperimentReference();
  return 0;
}

void AddWithId(CLI::App& group, Action& action, const std::string& name, const std::string& description,
               std::function<absl::StatusOr<int>(const ClientOptions&, const Console&)> run) {
  const auto [command, options] =
      AddCommand<ClientOptions>(group, action, name, description, "understudy experiments " + name + " ID", run);
  command->add_option("ID", options->name, "The experiment, as submit printed it")->required();
  AddCoordinatorOption(*command, options->connection);
  AddJsonFlag(*command, options->json);
}

}  // namespace

void AddExperimentCommands(CLI::App& app, Action& action) {
  CLI::App& group = AddGroup(app, "experiments", "Submit, watch, cancel and resume experiments");
  {
    const auto [command, options] =
        AddCommand<ClientOptions>(group, action, "submit", "Submit an experiment, and return at once",
                                  "understudy experiments submit deploy/experiments/cartpole.yaml", Submit);
    command->add_option("FILE", options->name, "The experiment file")->required();
    AddCoordinatorOption(*command, options->connection);
    AddJsonFlag(*command, options->json);
  }
  {
    const auto [command, options] =
        AddCommand<ClientOptions>(group, action, "list", "All experiments, newest first",
                                  "understudy experiments list --coordinator 10.0.0.7:50051", List);
    AddCoordinatorOption(*command, options->connection);
    AddJsonFlag(*command, options->json);
  }
  AddWithId(group, action, "show", "What an experiment has come to", Show);
  AddWithId(group, action, "watch", "Follow an experiment to its end; exit status 0 only if it succeeds", Watch);
  AddWithId(group, action, "cancel", "Cancel an experiment; what it has stored stays", Cancel);
  AddWithId(group, action, "resume", "Go on with a failed or cancelled experiment where it stopped", Resume);
  AddMetricsCommand(group, action);
  AddCommand<ClientOptions>(group, action, "keys", "All keys of an experiment file: meaning, bounds, defaults",
                            "understudy experiments keys", Keys);
}

}  // namespace understudy
