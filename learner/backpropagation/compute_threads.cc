#include "learner/backpropagation/compute_threads.h"

#include <chrono>

namespace understudy {
namespace {

constexpr uint64_t kOpen = 1;
constexpr uint64_t kOneInside = 2;
constexpr uint64_t kInside = 0xFFFFFFFE;
constexpr int kNumberShift = 32;
constexpr std::chrono::microseconds kAwake(100);

uint32_t NumberOf(uint64_t state) { return static_cast<uint32_t>(state >> kNumberShift); }

void Pause() {
#ifdef __x86_64__
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

}  // namespace

ComputeThreads::ComputeThreads(int threads) {
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { Work(); });
}

ComputeThreads::~ComputeThreads() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  for (std::thread& worker : workers_) worker.join();
}

void ComputeThreads::Run(size_t parts, absl::FunctionRef<void(size_t part)> work) {
  if (workers_.empty() || parts < 2) {
    for (size_t part = 0; part < parts; ++part) work(part);
    return;
  }
  parts_ = parts;
  work_ = &work;
  next_part_ = 0;
  state_ = (uint64_t{NumberOf(state_) + 1} << kNumberShift) | kOpen;
  if (sleepers_ > 0) {
    MutexLock lock(mutex_);
    changed_.NotifyAll();
  }
  TakeParts();
  state_ &= ~kOpen;
  for (int spins = 0; (state_ & kInside) != 0; ++spins) spins < 1000 ? Pause() : std::this_thread::yield();
}

void ComputeThreads::TakeParts() {
  for (size_t part = next_part_++; part < parts_; part = next_part_++) (*work_)(part);
}

void ComputeThreads::Work() {
  uint32_t done = 0;
  while (Enter(done)) {
    TakeParts();
    state_ -= kOneInside;
  }
}

bool ComputeThreads::Enter(uint32_t& done) {
  auto since = std::chrono::steady_clock::now();
  for (uint32_t spins = 1; !stopping_; ++spins) {
    uint64_t state = state_;
    if ((state & kOpen) != 0 && NumberOf(state) != done) {
      if (!state_.compare_exchange_weak(state, state + kOneInside)) continue;
      done = NumberOf(state);
      return true;
    }
    Pause();
    if (spins % 32 == 0 && std::chrono::steady_clock::now() - since > kAwake) {
      if (!Sleep(done)) return false;
      since = std::chrono::steady_clock::now();
    }
  }
  return false;
}

bool ComputeThreads::Sleep(uint32_t done) {
  MutexLock lock(mutex_);
  // Before the state is looked at, as Run changes that before it looks at the sleepers: one of the two sees the other.
  ++sleepers_;
  while (!stopping_ && ((state_ & kOpen) == 0 || NumberOf(state_) == done)) changed_.Wait(mutex_);
  --sleepers_;
  return !stopping_;
}

}  // namespace understudy
