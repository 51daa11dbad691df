#include "cli/local_cluster.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"

namespace understudy {
namespace {

constexpr absl::Duration kStartTimeout = absl::Seconds(10);
constexpr std::string_view kListening = "listening on ";
constexpr int kCoordinator = 0;

std::vector<std::string> CoordinatorArguments(const std::string& address, const LocalClusterOptions& options) {
  return {"--listen", address, "--data_dir", options.data_directory, "--log_level", options.log_level};
}

}  // namespace

absl::StatusOr<LocalCluster> LocalCluster::Start(ProcessGroup& processes, LocalClusterOptions options) {
  LocalCluster cluster(processes, std::move(options));
  if (absl::Status status = cluster.StartCoordinator(); !status.ok()) return status;
  if (absl::Status status = cluster.StartWorkers(); !status.ok()) return status;
  return cluster;
}

LocalCluster::LocalCluster(ProcessGroup& processes, LocalClusterOptions options)
    : group_(processes), options_(std::move(options)) {}

absl::Status LocalCluster::Start(const std::string& program, const std::string& name,
                                 std::vector<std::string> arguments) {
  Process process = {.name = name,
                     .program = absl::StrCat(options_.program_directory, "/", program),
                     .arguments = std::move(arguments),
                     .started = absl::Now(),
                     .last_words = {}};
  const absl::StatusOr<int> child = group_.Start(process.program, process.arguments);
  if (child.ok()) processes_.push_back(std::move(process));
  return child.status();
}

absl::Status LocalCluster::StartCoordinator() {
  const absl::Status started =
      Start("understudy-coordinator", "understudy-coordinator", CoordinatorArguments("127.0.0.1:0", options_));
  if (!started.ok()) return started;
  if (absl::Status status = AwaitCoordinator(); !status.ok()) return status;
  processes_[kCoordinator].arguments = CoordinatorArguments(address_, options_);
  return absl::OkStatus();
}

absl::Status LocalCluster::AwaitCoordinator() {
  const absl::Time deadline = absl::Now() + kStartTimeout;
  std::string last_error;
  while (true) {
    const ProcessEvent event = group_.Next(deadline);
    switch (event.kind) {
      case ProcessEvent::Kind::kOutput:
        if (!event.text.starts_with(kListening)) break;
        address_ = event.text.substr(kListening.size());
        // Not the reason why it ended, as it did not.
        if (!last_error.empty()) options_.log(last_error);
        return absl::OkStatus();
      case ProcessEvent::Kind::kError:
        if (!last_error.empty()) options_.log(last_error);
        last_error = event.text;
        break;
      case ProcessEvent::Kind::kExit:
        if (last_error.empty()) last_error = absl::StrCat("understudy-coordinator ended with ", event.text);
        return absl::InternalError(absl::StripPrefix(last_error, "understudy-coordinator: "));
      case ProcessEvent::Kind::kSignal:
        return absl::CancelledError("interrupted");
      case ProcessEvent::Kind::kTimeout:
        return absl::DeadlineExceededError(absl::StrCat("understudy-coordinator has not begun to listen within ",
                                                        absl::FormatDuration(kStartTimeout)));
      case ProcessEvent::Kind::kWake:
        break;
    }
  }
}

absl::Status LocalCluster::StartWorkers() {
  const absl::Status learners =
      StartSeveral("understudy-learner", options_.learners,
                   {"--coordinator", address_, "--listen", "127.0.0.1:0", "--log_level", options_.log_level});
  if (!learners.ok()) return learners;
  return StartSeveral("understudy-actor", options_.actors,
                      {"--coordinator", address_, "--log_level", options_.log_level});
}

absl::Status LocalCluster::StartSeveral(const std::string& program, int count,
                                        const std::vector<std::string>& arguments) {
  for (int i = 1; i <= count; ++i) {
    const absl::Status started = Start(program, count == 1 ? program : absl::StrCat(program, " ", i), arguments);
    if (!started.ok()) return started;
  }
  return absl::OkStatus();
}

absl::Status LocalCluster::Supervise(const ProcessEvent& event) {
  if (event.kind == ProcessEvent::Kind::kError) {
    options_.log(event.text);
    processes_[event.child].last_words = event.text;
  }
  return event.kind == ProcessEvent::Kind::kExit ? StartAgain(event.child, event.text) : absl::OkStatus();
}

absl::Status LocalCluster::StartAgain(int child, const std::string& end) {
  Process& process = processes_[child];
  const absl::Time now = absl::Now();
  process.quick_ends = now - process.started < kQuickEnd ? process.quick_ends + 1 : 0;
  if (process.quick_ends == kMaxQuickEnds) {
    return absl::InternalError(absl::StrCat(process.name, " has ended unexpectedly ", kMaxQuickEnds,
                                            " times in a row, each within ", absl::FormatDuration(kQuickEnd), ": ", end,
                                            process.last_words.empty() ? "" : ": ", process.last_words));
  }
  options_.log(
      absl::StrCat("understudy: warning: ", process.name, " has ended unexpectedly: ", end, "; it is started again"));
  process.started = now;
  process.last_words.clear();
  return group_.Replace(child, process.program, process.arguments);
}

}  // namespace understudy
