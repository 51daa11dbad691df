// understudy-actor: rolls out policies in environments, for the learner or coordinator that it is assigned to.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "actor/actor.h"
#include "common/metrics/metrics_server.h"
#include "common/process/arguments.h"
#include "common/process/logging.h"
#include "common/process/process.h"
#include "common/security/options.h"

namespace {

// The request in hand has this long; others are asked for what is dropped.
constexpr absl::Duration kDrainLimit = absl::Seconds(8);
// For saying goodbye, and for an environment that never returns from a step: together less than the ten seconds that
// supervisors grant.
constexpr absl::Duration kExitLimit = absl::Milliseconds(1500);

// After the first signal: ends the work in good order, unless that takes too long or a second signal comes.
void Drain(understudy::Actor& actor, understudy::TerminationSignals& signals) {
  spdlog::info("draining: what is in hand is being finished; a second signal ends this at once");
  understudy::ExitWithin(kDrainLimit + kExitLimit);
  const auto drained = std::make_shared<std::atomic<bool>>(false);
  actor.Drain([&signals, drained] {
    *drained = true;
    signals.Wake();
  });
  const bool again = signals.WaitFor(kDrainLimit).value_or(0) != 0;
  if (!*drained) {
    spdlog::warn("{}: what is in hand is dropped, others will be asked",
                 again ? "a second signal came" : "draining takes too long");
  }
  understudy::ExitWithin(kExitLimit);
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "understudy-actor: %s\n", std::string(status.message()).c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  understudy::PrepareProcess("understudy-actor");
  understudy::TerminationSignals signals;
  understudy::KeepFreedMemory();
  understudy::ActorOptions options;
  understudy::ClientSecurity security;
  understudy::LogOptions log;
  std::string metrics_port;

  CLI::App app(
      "Rolls out policies in environments, for the experiments to which the coordinator assigns it.\n"
      "Any number of actors may come and go at any time.",
      "understudy-actor");
  app.footer("Example:\n  understudy-actor --coordinator 10.0.0.5:50051 --threads 8");
  app.set_version_flag("--version", std::string(understudy::kVersion));
  app.add_option("--coordinator", options.coordinators, "The coordinator's address, or several of which one is active")
      ->type_name("HOST:PORT[,HOST:PORT...]")
      ->capture_default_str();
  understudy::AddClientSecurityOptions(app, security);
  app.add_option("--threads", options.threads,
                 "The number of rollout threads, one for each core to use. Each works like an actor of its own")
      ->check(CLI::Range(1, understudy::kMaxRolloutThreads))
      ->capture_default_str();
  understudy::AddMetricsOption(app, metrics_port);
  understudy::AddLogOptions(app, log);
  if (const auto exit_status = understudy::ParseArguments(app, argc, argv)) return *exit_status;

  understudy::InitLogging("understudy-actor", log);
  auto credentials = understudy::LoadClientCredentials(security);
  if (!credentials.ok()) return Fail(credentials.status());
  options.credentials = *std::move(credentials);
  auto actor = understudy::Actor::Start(options);
  if (!actor.ok()) return Fail(actor.status());
  auto metrics = understudy::MetricsServer::Start(metrics_port, "understudy-actor",
                                                  [&](auto& scrape) { (*actor)->AddMetrics(scrape); });
  if (!metrics.ok()) return Fail(metrics.status());
  signals.Wait();
  Drain(**actor, signals);
  metrics->reset();
  actor->reset();
  return 0;
}
