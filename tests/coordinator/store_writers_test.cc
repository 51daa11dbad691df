#include "coordinator/store_writers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace understudy {
namespace {

TEST(StoreWriters, JobsDoNotWaitForOneAnother) {
  StoreWriters writers;
  std::latch all(kStoreWriters + 1);
  for (int i = 0; i < kStoreWriters; ++i) writers.Post([&] { all.arrive_and_wait(); });
  all.arrive_and_wait();
}

TEST(StoreWriters, StoppedTheyHaveDoneWhatWasPostedAndTakeNoMore) {
  StoreWriters writers;
  std::atomic<int> done = 0;
  constexpr int kJobs = 100;
  for (int i = 0; i < kJobs; ++i) writers.Post([&] { ++done; });
  writers.Stop();
  EXPECT_EQ(done, kJobs);
  writers.Post([&] { ++done; });
  writers.Stop();
  EXPECT_EQ(done, kJobs);
}

}  // namespace
}  // namespace understudy
