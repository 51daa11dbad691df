#include "coordinator/cli/local_cluster.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace understudy {
namespace {

constexpr absl::Duration kStartTimeout = absl::Seconds(10);
constexpr std::string_view kListening = "listening on ";
constexpr int kCoordinator = 0;
constexpr int kLearner = 1;

}  // namespace

absl::StatusOr<LocalCluster> LocalCluster::Start(ProcessGroup& processes, LocalClusterOptions options) {
  LocalCluster cluster(processes, std::move(options));
  if (absl::Status status = cluster.StartCoordinator(); !status.ok()) return status;
  if (absl::Status status = cluster.StartWorkers(); !status.ok()) return status;
  return cluster;
}

LocalCluster::LocalCluster(ProcessGroup& processes, LocalClusterOptions options)
    : processes_(processes), options_(std::move(options)) {}

absl::Status LocalCluster::StartCoordinator() {
  const absl::StatusOr<int> child = processes_.Start(
      absl::StrCat(options_.program_directory, "/understudy-coordinator"),
      {"--listen", "127.0.0.1:0", "--data_dir", options_.data_directory, "--log_level", options_.log_level});
  if (!child.ok()) return child.status();
  const absl::Time deadline = absl::Now() + kStartTimeout;
  std::string last_error;
  while (true) {
    const ProcessEvent event = processes_.Next(deadline);
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
  const absl::StatusOr<int> learner =
      processes_.Start(absl::StrCat(options_.program_directory, "/understudy-learner"),
                       {"--coordinator", address_, "--listen", "127.0.0.1:0", "--log_level", options_.log_level});
  if (!learner.ok()) return learner.status();
  for (; actors_running_ < options_.actors; ++actors_running_) {
    const absl::StatusOr<int> actor = processes_.Start(absl::StrCat(options_.program_directory, "/understudy-actor"),
                                                       {"--coordinator", address_, "--log_level", options_.log_level});
    if (!actor.ok()) return actor.status();
  }
  return absl::OkStatus();
}

absl::Status LocalCluster::OnExit(const ProcessEvent& exit) {
  const auto ended = [&exit](const char* name) { return absl::StrCat(name, " has ended unexpectedly: ", exit.text); };
  if (exit.child == kCoordinator) return absl::InternalError(ended("understudy-coordinator"));
  if (exit.child == kLearner) return absl::InternalError(ended("understudy-learner"));
  if (--actors_running_ == 0) return absl::InternalError(ended("the last understudy-actor"));
  options_.log(absl::StrCat("understudy: warning: ", ended("an understudy-actor"), "; ", actors_running_, " left"));
  return absl::OkStatus();
}

}  // namespace understudy
