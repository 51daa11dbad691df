// simulate_cluster_driver: the workers of tests/benchmarks/simulate_cluster, which starts it beside a coordinator and
// reads what it prints: a line of JSON for each event.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <optional>

#include "absl/status/status.h"
#include "common/process/arguments.h"
#include "tests/benchmarks/cluster/simulation.h"

namespace understudy::simulation {
namespace {

int Main(int argc, char** argv) {
  SimulationOptions options;
  double seconds = 10;
  double training = 15;
  options.workers = 100;
  options.experiments = 10;
  options.churn = 0.05;
  options.learners.episodes = 2'000;
  CLI::App app("Simulated workers at one coordinator.", "simulate_cluster_driver");
  app.add_option("--coordinator", options.coordinator, "HOST:PORT")->required();
  app.add_option("--workers", options.workers)->check(CLI::Range(1, 20'000))->capture_default_str();
  app.add_option("--experiments", options.experiments, "Running at a time")->capture_default_str();
  app.add_option("--seconds", seconds, "Of each measured window")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--training_seconds", training, "Of a training stage")->capture_default_str();
  app.add_option("--churn", options.churn, "Share of the workers that leaves every minute")->capture_default_str();
  app.add_option("--episodes", options.learners.episodes, "Of a collect or evaluate stage")->capture_default_str();
  if (const auto exit_status = ParseArguments(app, argc, argv)) return *exit_status;
  options.window = absl::Seconds(seconds);
  options.learners.training = absl::Seconds(training);

  absl::Status status;
  {
    Simulation simulation(options, [](const nlohmann::json& event) { std::cout << event.dump() << std::endl; });
    status = simulation.Run();
  }
  if (!status.ok()) std::cerr << "simulate_cluster_driver: " << status.message() << std::endl;
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace understudy::simulation

int main(int argc, char** argv) { return understudy::simulation::Main(argc, argv); }
