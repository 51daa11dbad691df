// understudy-coordinator: the control plane.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "common/metrics/metrics_server.h"
#include "common/process/arguments.h"
#include "common/process/logging.h"
#include "common/process/process.h"
#include "common/process/text.h"
#include "common/rollouts/rollout_service.h"
#include "common/rpc/server.h"
#include "common/security/options.h"
#include "coordinator/active_database.h"
#include "coordinator/coordinator.h"
#include "coordinator/coordinator_metrics.h"
#include "coordinator/services/checkpoints_service.h"
#include "coordinator/services/datasets_service.h"
#include "coordinator/services/experiments_service.h"
#include "coordinator/services/policies_service.h"
#include "coordinator/services/workers_service.h"
#include "coordinator/storage/data_directory.h"

namespace understudy {
namespace {

// Between two looks whether a data directory is free: its holder cannot tell us.
constexpr absl::Duration kTurnInterval = absl::Milliseconds(50);

struct Options {
  ServerOptions server{.listen = "127.0.0.1:50051"};
  ServerSecurity security;
  std::string data_dir = "./understudy-data";
  std::string store;  // not empty: instead of the directory
  bool pause_unfinished = false;
  bool for_run = false;
  std::string metrics;  // where they are served; empty: nowhere
  LogOptions log;
};

void AddOptions(CLI::App& app, Options& options) {
  app.name("understudy-coordinator");
  app.description("Understudy's control plane: experiments, workers, demonstrations and policies.");
  app.footer(
      "Examples:\n  understudy-coordinator --listen 127.0.0.1:50051 --data_dir ./understudy-data\n"
      "  understudy-coordinator --listen 10.0.0.1:50051 --tls_dir tls/coordinator --data_dir data");
  app.set_version_flag("--version", kVersion);
  app.add_option("--listen", options.server.listen, "The address HOST:PORT to serve on; port 0 takes any free one")
      ->capture_default_str();
  app.add_option("--data_dir", options.data_dir, "The directory of the store; it is made if it does not exist")
      ->check(CheckPath)
      ->capture_default_str();
  app.add_option("--store", options.store,
                 "A PostgreSQL database instead of the directory. Of several coordinators on one database, one is "
                 "active and the others stand by. Give a password as $PGPASSWORD or in ~/.pgpass")
      ->type_name("postgresql://[USER@]HOST[:PORT]/DATABASE");
  app.add_flag("--pause_unfinished", options.pause_unfinished,
               "Pause the experiments that an earlier coordinator was working on, instead of going on with them");
  app.add_flag("--for_run", options.for_run,
               "For 'understudy run': wait while another command uses the data directory; at the end, remove "
               "the directory if this coordinator made it and nothing is stored there");
  AddTlsDirOption(app, options.security.tls_dir);
  AddServerSecurityOptions(app, options.security, options.server.insecure);
  AddMetricsOption(app, options.metrics);
  AddLogOptions(app, options.log);
}

// Returns the signal that has ended it; 0: it was woken. UNAVAILABLE is the store's. DATA_LOSS: standard output cannot
// be written to.
absl::StatusOr<int> Serve(const Options& options, SqlStore& store, CoordinatorMetrics* metrics,
                          TerminationSignals& signals) {
  if (metrics != nullptr) store.Measure(metrics->store_latencies());
  auto coordinator = Coordinator::Start(
      store, options.pause_unfinished ? Coordinator::Unfinished::kPause : Coordinator::Unfinished::kGoOn);
  if (!coordinator.ok()) return coordinator.status();

  Coordinator& control = **coordinator;
  ExperimentsService experiments(store, &control);
  WorkersService workers(control, options.server.access);
  const auto check_epoch = [&control](const v1::StageKey& stage) { return control.CheckEpoch(stage); };
  const RunAlone run_alone = [&control](const auto& call) { return control.RunAlone(call); };
  PoliciesService policies(
      store, check_epoch,
      [&control](const v1::StageKey& stage, std::shared_ptr<const PolicySnapshot> snapshot) {
        return control.Publish(stage, std::move(snapshot));
      },
      run_alone);
  CheckpointsService checkpoints(store, check_epoch);
  DatasetsService datasets(store, run_alone);
  RolloutService rollouts(control);
  auto server =
      RpcServer::Start(options.server, {&experiments, &workers, &policies, &checkpoints, &datasets, &rollouts});
  if (!server.ok()) return absl::FailedPreconditionError(server.status().message());
  (*server)->AnnounceServices({v1::Experiments::service_full_name(), v1::Workers::service_full_name(),
                               v1::Policies::service_full_name(), v1::Checkpoints::service_full_name(),
                               v1::Datasets::service_full_name(), v1::Rollouts::service_full_name()});
  if (metrics != nullptr) metrics->SetActive(&control);
  const absl::Cleanup passive = [metrics] {
    if (metrics != nullptr) metrics->SetActive(nullptr);
  };
  std::cout << "listening on " << (*server)->address() << '\n';
  // If this line does not arrive, the process that waits for it would wait for ever.
  absl::Status announced = FlushOutput(std::cout);
  if (absl::IsAborted(announced)) announced = absl::OkStatus();  // nobody waits for it

  const int signal = announced.ok() ? signals.Wait() : 0;
  if (signal != 0) spdlog::info("stopping on signal {}", signal);
  (*server)->AnnounceEnd();
  control.Stop();
  (*server)->Shutdown();
  if (!announced.ok()) return announced;
  return signal;
}

bool IsEmpty(Store& store) {
  const PageRequest one{.size = 1};
  const auto experiments = store.ListExperiments({}, one);
  const auto policies = store.ListPolicies(one);
  const auto datasets = store.ListDatasets(one);
  return experiments.ok() && experiments->items.empty() && policies.ok() && policies->items.empty() && datasets.ok() &&
         datasets->items.empty();
}

// The data directory, when this process has it to itself.
absl::StatusOr<std::unique_ptr<DataDirectory>> OpenDirectory(const Options& options, TerminationSignals& signals) {
  DataDirectoryTurns turns = {.stays = !options.for_run};
  std::string awaited;
  if (options.for_run) {
    turns.wait = [&](const std::string& holder) {
      if (holder != std::exchange(awaited, holder)) {
        std::cout << "waiting for " << holder << ", which uses data directory " << ShellQuoted(options.data_dir)
                  << std::endl;
      }
      return !signals.WaitFor(kTurnInterval).has_value();
    };
  }
  return DataDirectory::Open(options.data_dir, DataDirectory::Mode::kCreate, turns);
}

absl::Status Run(Options& options, TerminationSignals& signals) {
  auto access = AccessControl::Load(options.security);
  if (!access.ok()) return access.status();
  options.server.access = *std::move(access);
  CoordinatorMetrics metrics;
  CoordinatorMetrics* const wanted = options.metrics.empty() ? nullptr : &metrics;
  if (wanted != nullptr) options.server.on_call = metrics.on_call();
  const auto metrics_server = MetricsServer::Start(options.metrics, "understudy-coordinator",
                                                   [&metrics](Scrape& scrape) { metrics.AddTo(scrape); });
  if (!metrics_server.ok()) return metrics_server.status();
  const auto serve = [&](SqlStore& store) { return Serve(options, store, wanted, signals); };
  if (!options.store.empty()) return ServeWhileActive(options.store, signals, serve);
  auto directory = OpenDirectory(options, signals);
  if (!directory.ok()) return directory.status();
  const absl::Status status = serve((*directory)->store()).status();
  const bool unused = options.for_run && (*directory)->is_new() && IsEmpty((*directory)->store());
  // With DATA_LOSS it has served, and may have stored something.
  if (unused || (!status.ok() && !absl::IsDataLoss(status))) (*directory)->DiscardIfNew();
  return status;
}

int Main(int argc, char** argv) {
  PrepareProcess("understudy-coordinator");
  TerminationSignals signals;
  Options options;
  CLI::App app;
  AddOptions(app, options);
  if (const auto exit_status = ParseArguments(app, argc, argv)) return *exit_status;
  InitLogging("understudy-coordinator", options.log);
  const absl::Status status = Run(options, signals);
  if (status.ok()) return 0;
  std::cerr << "understudy-coordinator: " << status.message() << std::endl;
  return 1;
}

}  // namespace
}  // namespace understudy

int main(int argc, char** argv) { return understudy::Main(argc, argv); }
