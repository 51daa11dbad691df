#include "learner/backpropagation/compute_threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/process/mutex.h"

namespace understudy {
namespace {

TEST(ComputeThreads, DoEveryPartOnceInEveryComputation) {
  for (const int threads : {1, 2, 5}) {
    ComputeThreads compute(threads);
    EXPECT_EQ(compute.threads(), threads);
    for (const size_t parts : {0, 1, 2, 3, 8, 100}) {
      for (int repeat = 0; repeat < 200; ++repeat) {
        std::vector<int> done(parts);
        compute.Run(parts, [&](size_t part) { ++done[part]; });
        ASSERT_EQ(done, std::vector<int>(parts, 1)) << threads << " threads";
      }
    }
  }
}

TEST(ComputeThreads, SeeWhatTheCallerWroteAndItSeesWhatTheyWrote) {
  ComputeThreads compute(3);
  std::vector<int64_t> numbers(64, 1);
  for (int repeat = 0; repeat < 1000; ++repeat) {
    compute.Run(numbers.size(), [&](size_t part) { numbers[part] = numbers[part] % 1'000'003 * 2 + 1; });
    for (int64_t& number : numbers) number += repeat;
  }
  for (const int64_t number : numbers) EXPECT_EQ(number, numbers[0]);
}

TEST(ComputeThreads, SeveralShareAComputation) {
  ComputeThreads compute(2);
  Mutex mutex;
  std::set<std::thread::id> seen;
  // A part takes long enough for the other thread to wake.
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (absl::Now() < deadline) {
    compute.Run(2, [&](size_t) {
      absl::SleepFor(absl::Milliseconds(1));
      MutexLock lock(mutex);
      seen.insert(std::this_thread::get_id());
    });
    if (seen.size() == 2) return;
  }
  FAIL() << "one thread did all parts";
}

TEST(ComputeThreads, WakeAfterTheyHaveSlept) {
  ComputeThreads compute(4);
  std::atomic<int> done = 0;
  for (int repeat = 0; repeat < 20; ++repeat) {
    absl::SleepFor(absl::Milliseconds(2));
    compute.Run(8, [&](size_t) { ++done; });
    EXPECT_EQ(done, 8 * (repeat + 1));
  }
}

TEST(ComputeThreads, EndWhileTheySleepOrWaitAwake) {
  for (int repeat = 0; repeat < 50; ++repeat) {
    ComputeThreads compute(3);
    if (repeat % 2 == 0) compute.Run(3, [](size_t) {});
    if (repeat % 5 == 0) absl::SleepFor(absl::Milliseconds(1));
  }
}

}  // namespace
}  // namespace understudy
