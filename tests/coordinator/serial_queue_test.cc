#include "coordinator/serial_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "absl/time/clock.h"

namespace understudy {
namespace {

TEST(SerialQueue, GivesTasksInTheOrderInWhichTheyCame) {
  SerialQueue queue(10);
  std::string ran;
  EXPECT_TRUE(queue.Post([&] { ran += "a"; }));
  EXPECT_TRUE(queue.Post([&] { ran += "b"; }));
  for (const auto& task : queue.TakeAll(absl::InfiniteFuture())) task();
  EXPECT_EQ(ran, "ab");
}

TEST(SerialQueue, RefusesTasksBeyondItsCapacity) {
  SerialQueue queue(1);
  EXPECT_TRUE(queue.Post([] {}));
  EXPECT_FALSE(queue.Post([] {}));
  EXPECT_EQ(queue.TakeAll(absl::InfiniteFuture()).size(), 1u);
  EXPECT_TRUE(queue.Post([] {}));
}

TEST(SerialQueue, WakesUpWithoutTasks) {
  SerialQueue queue(1);
  EXPECT_TRUE(queue.TakeAll(absl::Now() + absl::Milliseconds(1)).empty());
  EXPECT_TRUE(queue.TakeAll(absl::InfinitePast()).empty());
  EXPECT_FALSE(queue.closed());
}

TEST(SerialQueue, ClosedGivesWhatItHasAndTakesNoMore) {
  SerialQueue queue(10);
  queue.Post([] {});
  queue.Close();
  EXPECT_TRUE(queue.closed());
  EXPECT_FALSE(queue.Post([] {}));
  EXPECT_EQ(queue.TakeAll(absl::InfiniteFuture()).size(), 1u);
  EXPECT_TRUE(queue.TakeAll(absl::InfiniteFuture()).empty());
}

TEST(SerialQueue, TasksOfOtherThreadsEndTheWait) {
  SerialQueue queue(1'000);
  std::thread poster([&queue] {
    for (int i = 0; i < 100; ++i) queue.Post([] {});
    queue.Close();
  });
  size_t taken = 0;
  while (true) {
    const size_t tasks = queue.TakeAll(absl::InfiniteFuture()).size();
    if (tasks == 0 && queue.closed()) break;
    taken += tasks;
  }
  poster.join();
  EXPECT_EQ(taken, 100u);
}

}  // namespace
}  // namespace understudy
