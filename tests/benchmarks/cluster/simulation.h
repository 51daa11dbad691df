// Many simulated workers at one coordinator.
#ifndef UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_SIMULATION_H_
#define UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_SIMULATION_H_

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tests/benchmarks/cluster/learner_calls.h"
#include "tests/benchmarks/cluster/worker.h"

namespace understudy::simulation {

struct SimulationOptions {
  std::string coordinator;  // HOST:PORT
  int workers = 0;
  int experiments = 0;    // at a time
  absl::Duration window;  // that is measured
  double churn = 0;       // share of the workers that leaves, and comes back, every minute
  LearnerOptions learners;
};

// Thread-compatible. One worker of a hundred is a learner, and at least one for each experiment.
class Simulation {
 public:
  // `report` is given what happened, at the beginning and the end of each window: whoever reads it measures the
  // coordinator at these times.
  Simulation(SimulationOptions options, std::function<void(nlohmann::json)> report);
  ~Simulation();

  // Attaches all workers; a window in which nothing happens; one with experiments and with workers that come and go.
  // UNAVAILABLE: workers were not attached in time.
  absl::Status Run();

 private:
  void MakeWorkers();
  absl::Status AttachAll();
  // A window under `name`, after some time to settle. Its end is reported with what was counted in it.
  void Measure(const std::string& name, absl::Duration settle);
  // One worker leaves, and comes back a second later; and so on.
  void LeaveAndComeBack();
  nlohmann::json Counts();

  const SimulationOptions options_;
  const std::function<void(nlohmann::json)> report_;
  TimerQueue timers_{1};
  StageClock clock_;
  WorkerContext context_;
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::vector<std::shared_ptr<Worker>> workers_;
  std::unique_ptr<LearnerCalls> learners_;
  size_t next_to_leave_ = 0;
};

}  // namespace understudy::simulation

#endif  // UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_SIMULATION_H_
