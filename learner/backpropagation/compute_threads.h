// Threads that share the parts of one computation after another.
#ifndef UNDERSTUDY_LEARNER_BACKPROPAGATION_COMPUTE_THREADS_H_
#define UNDERSTUDY_LEARNER_BACKPROPAGATION_COMPUTE_THREADS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "common/process/mutex.h"

namespace understudy {

// It is undefined which thread does which part, and when. So a result that is to have the same bits for any number of
// threads must not depend on that. After a computation the threads wait awake for a tenth of a millisecond, because
// going to sleep and waking takes longer than a part does. Then they sleep. Thread-compatible.
class ComputeThreads {
 public:
  // `threads`, at least 1, includes the thread that calls Run.
  explicit ComputeThreads(int threads);
  ~ComputeThreads();
  ComputeThreads(const ComputeThreads&) = delete;

  // Calls work(0) … work(parts - 1), each once, and returns when all have returned. It does not wait for a thread that
  // wakes too late: the others do its parts. `work` must not throw.
  void Run(size_t parts, absl::FunctionRef<void(size_t part)> work);

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

 private:
  void Work();
  void TakeParts();
  // Waits until there is a computation that this worker may enter; `done` is the number of its last one. Returns false
  // if the threads are to end.
  bool Enter(uint32_t& done);
  bool Sleep(uint32_t done);

  // The state is one word, so that a worker enters a computation and learns at the same time that it is still going on.
  // Bit 0: whether workers may enter; bits 1 to 31: how many are inside; bits 32 to 63: the computation's number.
  std::atomic<uint64_t> state_ = 0;
  std::atomic<size_t> next_part_ = 0;
  size_t parts_ = 0;                                            // of the computation; written while nobody is inside
  const absl::FunctionRef<void(size_t part)>* work_ = nullptr;  // written while nobody is inside

  std::atomic<bool> stopping_ = false;
  std::atomic<int> sleepers_ = 0;
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::thread> workers_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_BACKPROPAGATION_COMPUTE_THREADS_H_
