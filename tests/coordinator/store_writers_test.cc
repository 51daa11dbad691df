#include "coordinator/store_writers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>

namespace understudy {
namespace {

absl::Status Done() { return absl::OkStatus(); }

TEST(StoreWriters, JobsDoNotWaitForOneAnother) {
  std::latch all(kStoreWriters + 1);  // before the writers, whose threads wait at it until they have seen all arrive
  StoreWriters writers;
  for (int i = 0; i < kStoreWriters; ++i) writers.Post(Done, [&](const absl::Status&) { all.arrive_and_wait(); });
  all.arrive_and_wait();
}

TEST(StoreWriters, StoppedTheyHaveDoneWhatWasPostedAndTakeNoMore) {
  StoreWriters writers;
  std::atomic<int> done = 0;
  constexpr int kJobs = 100;
  for (int i = 0; i < kJobs; ++i) writers.Post(Done, [&](const absl::Status&) { ++done; });
  writers.Stop();
  EXPECT_EQ(done, kJobs);
  writers.Post(Done, [&](const absl::Status&) { ++done; });
  writers.Stop();
  EXPECT_EQ(done, kJobs);
}

TEST(StoreWriters, AStoreThatCannotBeReachedIsTriedAgainUntilItCan) {
  StoreWriters writers;
  std::atomic<int> attempts = 0;
  std::promise<absl::Status> done;
  writers.Post([&] { return ++attempts < 3 ? absl::UnavailableError("away") : absl::OkStatus(); },
               [&](const absl::Status& status) { done.set_value(status); });
  EXPECT_TRUE(done.get_future().get().ok());
  EXPECT_EQ(attempts, 3);
}

TEST(StoreWriters, OtherErrorsAreNotTriedAgain) {
  StoreWriters writers;
  std::atomic<int> attempts = 0;
  std::promise<absl::Status> done;
  writers.Post(
      [&] {
        ++attempts;
        return absl::ResourceExhaustedError("full");
      },
      [&](const absl::Status& status) { done.set_value(status); });
  EXPECT_TRUE(absl::IsResourceExhausted(done.get_future().get()));
  EXPECT_EQ(attempts, 1);
}

TEST(StoreWriters, StoppingDoesNotWaitForAStoreThatCannotBeReached) {
  StoreWriters writers;
  std::promise<absl::Status> done;
  std::latch tried(1);
  std::atomic<bool> first = true;
  writers.Post(
      [&] {
        if (first.exchange(false)) tried.count_down();
        return absl::UnavailableError("away");
      },
      [&](const absl::Status& status) { done.set_value(status); });
  tried.wait();
  writers.Stop();
  EXPECT_TRUE(absl::IsUnavailable(done.get_future().get()));
}

}  // namespace
}  // namespace understudy
