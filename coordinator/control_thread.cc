#include "coordinator/control_thread.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include "absl/time/clock.h"
#include "coordinator/scheduling/lapse_meter.h"

namespace understudy {
namespace {

// Never reached: a stream has at most three events in the queue (a message, its beginning, its end), a call one, and
// streams and calls are bounded themselves.
constexpr size_t kMostEvents = size_t{1} << 20;
// The thread looks at the clock at least so often, to tell time in which it did not run from time that passed.
constexpr absl::Duration kTick = absl::Seconds(1);

}  // namespace

absl::Status StoppingStatus() { return absl::UnavailableError("the coordinator is stopping"); }

ControlThread::ControlThread() : queue_(kMostEvents) {}

ControlThread::~ControlThread() { Stop(); }

void ControlThread::Start(Routine routine) {
  routine_ = std::move(routine);
  thread_ = std::thread(&ControlThread::Run, this);
}

void ControlThread::Stop() {
  queue_.Close();
  if (thread_.joinable()) thread_.join();
}

absl::Status ControlThread::Call(std::function<absl::Status(absl::Time)> call, std::function<absl::Status()> saved) {
  auto answer = std::make_shared<std::promise<absl::Status>>();
  std::future<absl::Status> status = answer->get_future();
  const bool posted = Post([this, answer, call = std::move(call), saved = std::move(saved)] {
    const absl::Status result = call(absl::Now());
    answers_.push_back([answer, result, saved] { answer->set_value(result.ok() ? saved() : result); });
  });
  return posted ? status.get() : StoppingStatus();
}

void ControlThread::Run() {
  LapseMeter lapses(kTick * 2, absl::Now(), std::chrono::steady_clock::now());
  absl::Time wake = absl::InfinitePast();
  while (true) {
    const std::vector<SerialQueue::Task> events = queue_.TakeAll(std::min(wake, absl::Now() + kTick));
    routine_.pardon(lapses.Measure(absl::Now(), std::chrono::steady_clock::now()));
    if (events.empty() && queue_.closed()) break;
    for (const SerialQueue::Task& event : events) event();
    wake = routine_.settle(absl::Now());
    for (const auto& answer : std::exchange(answers_, {})) answer();
  }
  routine_.end();
}

}  // namespace understudy
