// understudy-learner: trains policies, one stage at a time.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <thread>

#include "common/metrics/latencies.h"
#include "common/metrics/metrics_server.h"
#include "common/process/arguments.h"
#include "common/process/logging.h"
#include "common/process/process.h"
#include "common/security/options.h"
#include "learner/learner.h"

namespace {

// The first signal drains, in less than ten seconds whatever hangs; a second one ends the program at once.
void EndOnSignal(understudy::TerminationSignals& signals, understudy::Learner& learner) {
  if (signals.Wait() == 0) return;
  spdlog::info("draining: the iteration in hand is being finished; a second signal ends this at once");
  understudy::ExitWithin(absl::Milliseconds(9500));
  learner.Drain();
  std::optional<int> next = signals.WaitFor(absl::Seconds(1));
  // Nobody comes to finish the iteration where actors were told to end, too.
  if (!next.has_value() && !learner.WithoutActors()) next = signals.WaitFor(absl::Seconds(4));
  if (!next.has_value()) learner.GiveUpIteration();
  if (!next.has_value()) next = signals.WaitFor(absl::Seconds(3));
  if (!next.has_value()) learner.Stop();
  const int second = next.has_value() ? *next : signals.Wait();
  if (second == 0) return;
  spdlog::warn("a second signal came: what was in hand goes on from the last checkpoint");
  std::_Exit(128 + second);
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "understudy-learner: %s\n", std::string(status.message()).c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  understudy::PrepareProcess("understudy-learner");
  understudy::TerminationSignals signals;
  understudy::KeepFreedMemory();
  understudy::LearnerOptions options{.coordinators = "127.0.0.1:50051"};
  understudy::ClientSecurity client_security;
  understudy::ServerSecurity server_security;
  understudy::LogOptions log;
  std::string metrics_port;

  CLI::App app("Trains policies for an Understudy coordinator: one stage at a time, on trajectories of its actors.");
  app.name("understudy-learner");
  app.set_version_flag("--version", understudy::kVersion);
  app.add_option("--coordinator", options.coordinators, "The coordinator's address, or several of which one is active")
      ->type_name("HOST:PORT[,HOST:PORT...]")
      ->capture_default_str();
  CLI::Option* const listen =
      app.add_option(
             "--listen", options.server.listen,
             "The address at which actors connect; port 0 takes any free one. Default: this host's address on the "
             "way to the coordinator, and any free port")
          ->type_name("HOST:PORT");
  app.add_option("--advertise", options.advertise,
                 "The address that actors and other learners are told, if it differs from that of --listen")
      ->type_name("HOST:PORT")
      ->needs(listen);
  app.add_option(
         "--insecure_gradients", options.gradients_host,
         "The address at which to listen for gradients of learners on other hosts, for stages with `learners`. "
         "Gradients are not encrypted, so use a network that you trust. Without this, all learners of a stage must "
         "be on one host")
      ->type_name("HOST");
  understudy::AddClientSecurityOptions(app, client_security);
  understudy::AddServerSecurityOptions(app, server_security, options.server.insecure);
  understudy::AddMetricsOption(app, metrics_port);
  understudy::AddLogOptions(app, log);
  app.footer(
      "Example:\n"
      "  understudy-learner --coordinator 10.0.0.1:50051 --listen 10.0.0.2:50052 --tls_dir tls/learner");
  if (const auto exit_status = understudy::ParseArguments(app, argc, argv)) return *exit_status;

  understudy::InitLogging("understudy-learner", log);
  server_security.tls_dir = client_security.tls_dir;
  auto credentials = understudy::LoadClientCredentials(client_security);
  if (!credentials.ok()) return Fail(credentials.status());
  auto access = understudy::AccessControl::Load(server_security);
  if (!access.ok()) return Fail(access.status());
  options.credentials = *std::move(credentials);
  options.server.access = *std::move(access);
  understudy::Latencies calls(understudy::kRpcDuration, understudy::kRpcCalls, "method");
  if (!metrics_port.empty()) options.server.on_call = calls.Recorder();
  auto learner = understudy::Learner::Start(options);
  if (!learner.ok()) return Fail(learner.status());
  const auto metrics = understudy::MetricsServer::Start(metrics_port, "understudy-learner", [&](auto& scrape) {
    calls.AddTo(scrape);
    (*learner)->AddMetrics(scrape);
  });
  if (!metrics.ok()) return Fail(metrics.status());
  // Training runs on the main thread; the signals have a thread of their own.
  std::thread stopper([&] { EndOnSignal(signals, **learner); });
  (*learner)->Run();
  signals.Wake();
  stopper.join();
  return 0;
}
