#include "cli/process_group.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/time/clock.h"

namespace understudy {
namespace {

int PollTimeout(absl::Time deadline) {
  if (deadline == absl::InfiniteFuture()) return -1;
  // Rounded up: never a busy wait for the last fraction of a millisecond.
  const int64_t left = absl::ToInt64Milliseconds(absl::Ceil(deadline - absl::Now(), absl::Milliseconds(1)));
  return static_cast<int>(std::clamp<int64_t>(left, 0, std::numeric_limits<int>::max()));
}

bool IsIgnored(int signal) {
  struct sigaction action = {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ProcessGroup>> ProcessGroup::Make() {
  sigset_t mask;
  sigemptyset(&mask);
  for (const int number : {SIGINT, SIGTERM, SIGTSTP}) sigaddset(&mask, number);
  if (!IsIgnored(SIGHUP)) sigaddset(&mask, SIGHUP);
  FileDescriptor signals(signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
  FileDescriptor wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!signals.valid() || !wake.valid()) return absl::ErrnoToStatus(errno, "cannot wait for signals");
  sigset_t previous;
  pthread_sigmask(SIG_BLOCK, &mask, &previous);
  return std::unique_ptr<ProcessGroup>(new ProcessGroup(std::move(signals), std::move(wake), previous));
}

ProcessGroup::ProcessGroup(FileDescriptor signals, FileDescriptor wake, const sigset_t& previous_mask)
    : signals_(std::move(signals)), wake_(std::move(wake)), previous_mask_(previous_mask) {}

ProcessGroup::~ProcessGroup() {
  children_.clear();
  signalfd_siginfo late;
  while (read(signals_.get(), &late, sizeof(late)) > 0) {  // what came too late must not kill us now
  }
  pthread_sigmask(SIG_SETMASK, &previous_mask_, nullptr);
}

absl::StatusOr<int> ProcessGroup::Start(const std::string& program, const std::vector<std::string>& arguments) {
  absl::StatusOr<ChildProcess> process = ChildProcess::Start(program, arguments);
  if (!process.ok()) return process.status();
  children_.push_back(std::make_unique<Child>(*std::move(process)));
  return static_cast<int>(children_.size()) - 1;
}

absl::Status ProcessGroup::Replace(int child, const std::string& program, const std::vector<std::string>& arguments) {
  absl::StatusOr<ChildProcess> process = ChildProcess::Start(program, arguments);
  if (!process.ok()) return process.status();
  children_[child] = std::make_unique<Child>(*std::move(process));
  return absl::OkStatus();
}

void ProcessGroup::Queue(ProcessEvent::Kind kind, int child, std::string text) {
  events_.push_back({.kind = kind, .child = child, .text = std::move(text)});
}

void ProcessGroup::ReadLines(int child) {
  Child& from = *children_[child];
  for (std::string& line : from.process.output().Read()) {
    Queue(ProcessEvent::Kind::kOutput, child, std::move(line));
  }
  for (std::string& line : from.process.errors().Read()) {
    Queue(ProcessEvent::Kind::kError, child, std::move(line));
  }
}

void ProcessGroup::Poll(absl::Time deadline) {
  std::vector<pollfd> fds = {{signals_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
  for (const auto& child : children_) {  // poll ignores negative descriptors
    fds.push_back({child->process.output().fd(), POLLIN, 0});
    fds.push_back({child->process.errors().fd(), POLLIN, 0});
    fds.push_back({child->process.exit_fd(), POLLIN, 0});
  }
  if (poll(fds.data(), fds.size(), PollTimeout(deadline)) <= 0) return;
  if (fds[0].revents != 0) TakeSignal();
  for (int i = 0; i < static_cast<int>(children_.size()); ++i) {
    const std::optional<int> wait_status = children_[i]->process.Reap();
    ReadLines(i);  // after the reaping: all that it wrote before it ended
    if (wait_status.has_value() && !std::exchange(children_[i]->reported, true)) {
      Queue(ProcessEvent::Kind::kExit, i, DescribeWaitStatus(*wait_status));
      events_.back().killed = WIFSIGNALED(*wait_status);
    }
  }
  eventfd_t wakes = 0;
  if (fds[1].revents != 0 && eventfd_read(wake_.get(), &wakes) == 0) Queue(ProcessEvent::Kind::kWake, -1, "");
}

void ProcessGroup::TakeSignal() {
  signalfd_siginfo signal;
  if (read(signals_.get(), &signal, sizeof(signal)) <= 0) return;
  if (signal.ssi_signo == SIGTSTP) {
    Suspend();
  } else {
    Queue(ProcessEvent::Kind::kSignal, -1, "");
  }
}

void ProcessGroup::Suspend() {
  for (const auto& child : children_) child->process.Signal(SIGSTOP);
  raise(SIGSTOP);  // returns when a shell, or another process, continues this one
  for (const auto& child : children_) child->process.Signal(SIGCONT);
}

ProcessEvent ProcessGroup::Next(absl::Time deadline) {
  while (events_.empty()) {
    Poll(deadline);
    if (events_.empty() && absl::Now() >= deadline) return {};
  }
  ProcessEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void ProcessGroup::Wake() { eventfd_write(wake_.get(), 1); }

bool ProcessGroup::AnyRunning() const {
  return std::any_of(children_.begin(), children_.end(), [](const auto& child) { return !child->reported; });
}

void ProcessGroup::Stop(absl::Duration patience, const std::function<void(const ProcessEvent&)>& seen) {
  for (const auto& child : children_) child->process.Signal(SIGTERM);
  const absl::Time deadline = absl::Now() + patience;
  while (AnyRunning() || !events_.empty()) {
    const ProcessEvent event = Next(deadline);
    seen(event);
    if (event.kind == ProcessEvent::Kind::kTimeout || event.kind == ProcessEvent::Kind::kSignal) break;
  }
  children_.clear();
}

}  // namespace understudy
