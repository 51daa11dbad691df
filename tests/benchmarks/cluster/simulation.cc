#include "tests/benchmarks/cluster/simulation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/process/process.h"
#include "common/rpc/channel.h"

namespace understudy::simulation {
namespace {

constexpr int kWorkersOfALearner = 100;
// Descriptors for all else.
constexpr uint64_t kReservedFiles = 500;
// Workers that wait for their first assignment at a time, while all attach.
constexpr int64_t kMostUnanswered = 256;
constexpr absl::Duration kAttachTimeout = absl::Minutes(2);
constexpr absl::Duration kAbsence = absl::Seconds(1);
// A prime number: those who leave are spread over all.
constexpr size_t kLeaveStride = 7919;
// How often it looks whether they have it.
constexpr absl::Duration kPollInterval = absl::Milliseconds(1);

}  // namespace

Simulation::Simulation(SimulationOptions options, std::function<void(nlohmann::json)> report)
    : options_(std::move(options)),
      report_(std::move(report)),
      context_{.timers = timers_,
               .clock = clock_,
               .train = [this](const v1::LearnerWork& work) { learners_->Train(work); },
               .attached = {},
               .submitted = {},
               .succeeded = {}} {
  learners_ = std::make_unique<LearnerCalls>(MakeChannel(options_.coordinator), clock_, options_.learners);
  MakeWorkers();
}

Simulation::~Simulation() {
  learners_->Stop();
  timers_.Stop();
  for (const auto& worker : workers_) worker->Cancel();
}

void Simulation::MakeWorkers() {
  const uint64_t files = RaiseOpenFileLimit();
  const uint64_t most = files > 2 * kReservedFiles ? files - kReservedFiles : kReservedFiles;
  const size_t connections = std::min<size_t>(options_.workers, most);
  for (size_t i = 0; i < connections; ++i) channels_.push_back(MakeOwnChannel(options_.coordinator));
  for (int i = 0; i < options_.workers; ++i) {
    v1::WorkerHello hello;
    const bool learner = i % kWorkersOfALearner == 0 || i < options_.experiments;
    hello.set_worker_id(absl::StrCat("host", i / 8, "-", 1000 + i, "-", absl::Hex(i * 2654435761u, absl::kZeroPad8)));
    hello.set_kind(learner ? v1::WORKER_KIND_LEARNER : v1::WORKER_KIND_ACTOR);
    hello.set_host(absl::StrCat("host", i / 8));
    hello.set_pid(1000 + i);
    if (learner) hello.set_rollouts_address(absl::StrCat("host", i / 8, ":50052"));
    workers_.push_back(std::make_shared<Worker>(context_, std::move(hello), channels_[i % channels_.size()]));
  }
}

absl::Status Simulation::AttachAll() {
  const absl::Time began = absl::Now();
  const auto await = [&](int64_t most) {
    while (context_.unanswered > most && absl::Now() < began + kAttachTimeout) absl::SleepFor(kPollInterval);
    return context_.unanswered <= most;
  };
  for (const auto& worker : workers_) {
    if (!await(kMostUnanswered)) break;
    worker->Attach();
  }
  if (!await(0)) {
    return absl::UnavailableError(absl::StrCat(context_.unanswered.load(), " workers were not attached in ",
                                               absl::FormatDuration(kAttachTimeout)));
  }
  report_({{"event", "attached"},
           {"seconds", absl::ToDoubleSeconds(absl::Now() - began)},
           {"connections", channels_.size()},
           {"attach", context_.attached.Take()}});
  return absl::OkStatus();
}

nlohmann::json Simulation::Counts() {
  return {{"heartbeats", context_.heartbeats.exchange(0)},
          {"assignments", context_.assignments.exchange(0)},
          {"broken", context_.broken.exchange(0)},
          {"attach", context_.attached.Take()},
          {"submit", context_.submitted.Take()},
          {"next_stage", context_.succeeded.Take()},
          {"transitions", RolloutClient::accepted()},
          {"succeeded", learners_->succeeded()},
          {"failed", learners_->failed()}};
}

void Simulation::Measure(const std::string& name, absl::Duration settle) {
  absl::SleepFor(settle);
  nlohmann::json before = Counts();
  report_({{"event", absl::StrCat(name, " begins")}});
  absl::SleepFor(options_.window);
  nlohmann::json counts = Counts();
  for (const char* key : {"transitions", "succeeded", "failed"}) {
    counts[key] = counts[key].get<int64_t>() - before[key].get<int64_t>();
  }
  counts["event"] = absl::StrCat(name, " ends");
  report_(std::move(counts));
}

void Simulation::LeaveAndComeBack() {
  const double per_second = options_.churn * options_.workers / 60;
  if (per_second <= 0) return;
  next_to_leave_ = (next_to_leave_ + kLeaveStride) % workers_.size();
  const auto worker = workers_[next_to_leave_];
  worker->Leave();
  timers_.After(kAbsence, [worker] { worker->Attach(); });
  timers_.After(absl::Seconds(1 / per_second), [this] { LeaveAndComeBack(); });
}

absl::Status Simulation::Run() {
  if (absl::Status status = AttachAll(); !status.ok()) return status;
  // By then all have the interval of heartbeats that so many workers are told.
  Measure("quiet", absl::Seconds(6));
  learners_->KeepRunning(options_.experiments);
  LeaveAndComeBack();
  Measure("busy", absl::Seconds(4));
  return absl::OkStatus();
}

}  // namespace understudy::simulation
