#include "coordinator/control_thread.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include "absl/time/clock.h"

namespace understudy {
namespace {

// The thread looks at the clock at least this often, so that it can tell when it did not run (LapseMeter).
constexpr absl::Duration kTick = absl::Seconds(1);

}  // namespace

absl::Status StoppingStatus() { return absl::UnavailableError("the coordinator is stopping"); }

absl::Duration LapseMeter::Measure(absl::Time wall, SteadyTime steady) {
  const absl::Duration lived = std::min(absl::FromChrono(steady - steady_), longest_);
  const absl::Duration lapse = wall - wall_ - lived;
  wall_ = wall;
  steady_ = steady;
  return lapse;
}

ControlThread::~ControlThread() { Stop(); }

void ControlThread::Start(Routine routine) {
  routine_ = std::move(routine);
  thread_ = std::thread(&ControlThread::Run, this);
}

void ControlThread::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyOne();
  }
  if (thread_.joinable()) thread_.join();
}

bool ControlThread::Post(Event event) {
  MutexLock lock(mutex_);
  return events_.size() < kMostEvents && Add(std::move(event));
}

bool ControlThread::PostBeyondCapacity(Event event) {
  MutexLock lock(mutex_);
  return Add(std::move(event));
}

bool ControlThread::Add(Event event) {
  if (stopping_) return false;
  events_.push_back(std::move(event));
  changed_.NotifyOne();
  return true;
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

size_t ControlThread::waiting() const {
  MutexLock lock(mutex_);
  return events_.size();
}

std::vector<ControlThread::Event> ControlThread::TakeEvents(absl::Time wake) {
  MutexLock lock(mutex_);
  while (events_.empty() && !stopping_) {
    const absl::Duration left = wake - absl::Now();
    if (left <= absl::ZeroDuration()) break;
    changed_.WaitFor(mutex_, left);
  }
  return std::exchange(events_, {});
}

bool ControlThread::ended() const {
  MutexLock lock(mutex_);
  return stopping_ && events_.empty();
}

void ControlThread::Run() {
  LapseMeter lapses(kTick * 2, absl::Now(), std::chrono::steady_clock::now());
  absl::Time wake = absl::InfinitePast();
  while (true) {
    const std::vector<Event> events = TakeEvents(std::min(wake, absl::Now() + kTick));
    routine_.note_lapse(lapses.Measure(absl::Now(), std::chrono::steady_clock::now()));
    // Events may have come since they were taken. After Stop no more can come.
    if (events.empty() && ended()) break;
    for (const Event& event : events) event();
    wake = routine_.settle(absl::Now());
    for (const Event& answer : std::exchange(answers_, {})) answer();
  }
  routine_.end();
}

}  // namespace understudy
