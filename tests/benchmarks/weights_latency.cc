// How long it takes from weights to the first action taken with them: the learner's sink here sends each version to a
// real understudy-actor in another process, over loopback, and asks for one transition. The time ends when that
// transition is back and validated, so that it is somewhat longer than what it stands for. It begins twice: where the
// new parameters are there (a snapshot, with its checksum, is still to be made), and where the snapshot is.
//
// Usage: weights_latency UNDERSTUDY_ACTOR HIDDEN_SIZES VERSIONS   (hidden sizes as in "64,64")
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "cli/child_process.h"
#include "common/policy/policy.h"
#include "common/process/logging.h"
#include "common/process/process.h"
#include "common/rollouts/dispatcher.h"
#include "common/rollouts/segment_order.h"
#include "tests/benchmarks/learner_server.h"
#include "tests/benchmarks/program.h"
#include "tests/testing/fake_workers_service.h"
#include "tests/testing/training_inputs.h"

namespace understudy::benchmarks {
namespace {

v1::Assignment AssignmentTo(const std::string& rollouts_address) {
  v1::Assignment assignment;
  assignment.set_epoch(1);
  assignment.set_lease_ms(10000);
  assignment.set_heartbeat_ms(5000);
  assignment.mutable_actor()->add_rollouts_addresses(rollouts_address);
  *assignment.mutable_actor()->mutable_stage() = BenchmarkStage();
  return assignment;
}

// The first transition of slot 0.
std::shared_ptr<SegmentOrder> OneTransition(int64_t version) {
  return std::make_shared<SegmentOrder>(SegmentOrderOptions{.expectation = {.environment = testing::CartPoleSpec(),
                                                                            .policy = "policy",
                                                                            .policy_version = version,
                                                                            .action_mode = v1::ACTION_MODE_SAMPLE},
                                                            .seed = static_cast<uint64_t>(version),
                                                            .slots = 1,
                                                            .steps = 1});
}

// The smallest of the times that at least this share of all are not longer than.
double Quantile(std::vector<double> times, double share) {
  std::sort(times.begin(), times.end());
  const auto index = static_cast<size_t>(std::ceil(share * static_cast<double>(times.size()))) - 1;
  return times[index];
}

absl::StatusOr<nlohmann::json> MeasureVersions(LearnerServer& server, const Policy& policy, int64_t versions) {
  constexpr int64_t kWarmUp = kPoliciesPerStream + 1;  // the actor connects, and has as many as it keeps
  std::vector<double> from_parameters;
  std::vector<double> from_snapshot;
  int64_t parameters = 0;
  for (int64_t version = 1; version <= kWarmUp + versions; ++version) {
    const auto order = OneTransition(version);
    const absl::Time begin = absl::Now();
    const auto snapshot = policy.Snapshot("policy", version);
    const absl::Time made = absl::Now();
    if (absl::Status status = server.Run(order, snapshot); !status.ok()) return status;
    const absl::Time end = absl::Now();
    parameters = snapshot->header.parameter_count();
    if (version <= kWarmUp) continue;
    from_parameters.push_back(absl::ToDoubleMilliseconds(end - begin));
    from_snapshot.push_back(absl::ToDoubleMilliseconds(end - made));
  }
  return nlohmann::json{{"parameters", parameters},
                        {"p50_ms", Quantile(from_parameters, 0.5)},
                        {"p99_ms", Quantile(from_parameters, 0.99)},
                        {"snapshot_p50_ms", Quantile(from_snapshot, 0.5)},
                        {"snapshot_p99_ms", Quantile(from_snapshot, 0.99)}};
}

// Parameters of an mlp with separate trunks on CartPole-v1: four inputs, two logits, one value.
int64_t CountParameters(const v1::NetworkSpec& network) {
  int64_t inputs = 4;
  int64_t trunk = 0;
  for (const int32_t outputs : network.hidden_sizes()) {
    trunk += (inputs + 1) * outputs;
    inputs = outputs;
  }
  return 2 * trunk + (inputs + 1) * 2 + (inputs + 1);
}

// Small numbers: to make them orthogonal takes long where they are millions.
absl::StatusOr<Policy> SomePolicy(const v1::PolicyHeader& header) {
  std::vector<float> numbers(CountParameters(header.network()));
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = 0.01f * static_cast<float>(i * 7919 % 2001) / 1000 - 0.01f;
  return Policy::FromSnapshot(*MakeSnapshot(
      header, std::string(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float))));
}

absl::StatusOr<nlohmann::json> Measure(const std::string& actor_program, const std::string& hidden_sizes,
                                       int64_t versions) {
  const std::string network =
      absl::StrCat("hidden_sizes: ", absl::StrReplaceAll(hidden_sizes, {{",", " hidden_sizes: "}}));
  const absl::StatusOr<Policy> policy = SomePolicy(testing::CartPoleHeader(network));
  if (!policy.ok()) return policy.status();
  auto learner = LearnerServer::Start();
  if (!learner.ok()) return learner.status();
  testing::FakeWorkersService workers;
  workers.Assign(AssignmentTo((*learner)->address()));
  const auto coordinator = RpcServer::Start({}, {&workers});
  if (!coordinator.ok()) return coordinator.status();
  const auto actor = ChildProcess::Start(actor_program, {"--coordinator", (*coordinator)->address()});
  if (!actor.ok()) return actor.status();
  return MeasureVersions(**learner, *policy, versions);
}

}  // namespace
}  // namespace understudy::benchmarks

int main(int argc, char** argv) {
  if (argc != 4 || std::atoll(argv[3]) < 1) {
    std::fprintf(stderr, "usage: weights_latency UNDERSTUDY_ACTOR HIDDEN_SIZES VERSIONS\n");
    return 2;
  }
  understudy::KeepFreedMemory();  // as a learner does
  understudy::InitLogging("weights_latency", {.level = "error"});
  return understudy::benchmarks::PrintFound("weights_latency",
                                            understudy::benchmarks::Measure(argv[1], argv[2], std::atoll(argv[3])));
}
