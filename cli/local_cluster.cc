#include "cli/local_cluster.h"

#include <cctype>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"

namespace understudy {
namespace {

constexpr absl::Duration kStartTimeout = absl::Seconds(10);
constexpr std::string_view kListening = "listening on ";
constexpr std::string_view kWaiting = "waiting for ";
constexpr int kCoordinator = 0;

std::vector<std::string> CoordinatorArguments(const std::string& address, const LocalClusterOptions& options) {
  return {"--listen", address, "--data_dir", options.data_directory, "--log_level", options.log_level, "--for_run"};
}

// "dddd-dd-dd", "I0000": a pattern whose d stands for a digit.
bool Matches(std::string_view text, std::string_view pattern) {
  if (text.size() != pattern.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (pattern[i] == 'd' ? std::isdigit(static_cast<unsigned char>(text[i])) == 0 : text[i] != pattern[i])
      return false;
  }
  return true;
}

// What a line on standard error says about an end; empty where it is no error. Log lines of our programs are
// "DATE TIME LEVEL PROGRAM: TEXT", those of Abseil and gRPC begin with a level's letter and a date. Other lines are
// written when a program gives up: by itself, by the C++ runtime, by a sanitizer.
std::string ErrorOf(const std::string& line) {
  const std::vector<std::string> words = absl::StrSplit(line, absl::MaxSplits(' ', 4));
  if (words.size() == 5 && Matches(words[0], "dddd-dd-dd")) {
    return words[2] == "error" || words[2] == "critical" ? words[4] : "";
  }
  if (Matches(words[0], "Idddd") || Matches(words[0], "Wdddd") || words[0] == "WARNING:") return "";
  return line;
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
                     .last_error = {}};
  const absl::StatusOr<int> child = group_.Start(process.program, process.arguments);
  if (child.ok()) processes_.push_back(std::move(process));
  return child.status();
}

absl::Status LocalCluster::StartCoordinator() {
  std::vector<std::string> first = CoordinatorArguments("127.0.0.1:0", options_);
  // Only at the beginning: started again, it goes on with the one experiment that runs.
  first.push_back("--pause_unfinished");
  const absl::Status started = Start("understudy-coordinator", "understudy-coordinator", std::move(first));
  if (!started.ok()) return started;
  if (absl::Status status = AwaitCoordinator(); !status.ok()) return status;
  processes_[kCoordinator].arguments = CoordinatorArguments(address_, options_);
  return absl::OkStatus();
}

absl::Status LocalCluster::AwaitCoordinator() {
  constexpr absl::string_view kRefusal = "understudy-coordinator: ";
  absl::Time deadline = absl::Now() + kStartTimeout;
  std::string last_line;  // kept back: if the coordinator ends, it becomes the error
  while (true) {
    const ProcessEvent event = group_.Next(deadline);
    switch (event.kind) {
      case ProcessEvent::Kind::kOutput:
        if (event.text.starts_with(kWaiting)) {
          options_.log(absl::StrCat("understudy: ", event.text));
          deadline = absl::InfiniteFuture();
        }
        if (!event.text.starts_with(kListening)) break;
        address_ = event.text.substr(kListening.size());
        if (!last_line.empty()) options_.log(last_line);
        return absl::OkStatus();
      case ProcessEvent::Kind::kError:
        if (!last_line.empty()) options_.log(last_line);
        last_line = event.text;
        break;
      case ProcessEvent::Kind::kExit:
        if (!event.killed && absl::StartsWith(last_line, kRefusal)) {
          return absl::InternalError(absl::StripPrefix(last_line, kRefusal));
        }
        return absl::InternalError(absl::StrCat("understudy-coordinator has ended before it listened: ", event.text,
                                                last_line.empty() ? "" : ": ", ErrorOf(last_line)));
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
    if (std::string error = ErrorOf(event.text); !error.empty()) processes_[event.child].last_error = std::move(error);
  }
  return event.kind == ProcessEvent::Kind::kExit ? StartAgain(event.child, event.text) : absl::OkStatus();
}

absl::Status LocalCluster::StartAgain(int child, const std::string& end) {
  Process& process = processes_[child];
  const absl::Time now = absl::Now();
  process.quick_ends = now - process.started < kQuickEnd ? process.quick_ends + 1 : 0;
  const std::string why = process.last_error.empty() ? end : absl::StrCat(end, ": ", process.last_error);
  if (process.quick_ends == kMaxQuickEnds) {
    return absl::InternalError(absl::StrCat(process.name, " has ended unexpectedly ", kMaxQuickEnds,
                                            " times in a row, each within ", absl::FormatDuration(kQuickEnd), ": ",
                                            why));
  }
  options_.log(
      absl::StrCat("understudy: warning: ", process.name, " has ended unexpectedly: ", why, "; it is started again"));
  process.started = now;
  process.last_error.clear();
  return group_.Replace(child, process.program, process.arguments);
}

}  // namespace understudy
