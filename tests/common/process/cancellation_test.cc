#include "common/process/cancellation.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace understudy {
namespace {

TEST(Cancellation, IsOkUntilCancelledAndThenGivesTheFirstReason) {
  Cancellation cancellation;
  EXPECT_TRUE(cancellation.Check().ok());
  cancellation.Cancel("the user asked");
  cancellation.Cancel("too late");
  EXPECT_EQ(cancellation.Check(), absl::CancelledError("the user asked"));
}

TEST(Cancellation, CallsEveryCallbackOnceOnTheCancellingThread) {
  Cancellation cancellation;
  int first = 0;
  int second = 0;
  std::thread::id caller;
  const auto registration_1 = cancellation.OnCancel([&] { ++first; });
  const auto registration_2 = cancellation.OnCancel([&] {
    ++second;
    caller = std::this_thread::get_id();
  });
  EXPECT_EQ(first + second, 0);
  std::thread canceller([&] { cancellation.Cancel("stop"); });
  const std::thread::id canceller_id = canceller.get_id();
  canceller.join();
  cancellation.Cancel("again");
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1);
  EXPECT_EQ(caller, canceller_id);
}

TEST(Cancellation, CallsBackAtOnceWhereItIsCancelledAlready) {
  Cancellation cancellation;
  cancellation.Cancel("stop");
  int calls = 0;
  const auto registration = cancellation.OnCancel([&] { ++calls; });
  EXPECT_EQ(calls, 1);
}

TEST(Cancellation, LetsACallbackAskForTheStatus) {
  Cancellation cancellation;
  absl::Status seen;
  const auto registration = cancellation.OnCancel([&] { seen = cancellation.Check(); });
  cancellation.Cancel("stop");
  EXPECT_EQ(seen, absl::CancelledError("stop"));
}

TEST(Cancellation, ForgetsACallbackWithItsRegistration) {
  Cancellation cancellation;
  int kept = 0;
  int forgotten = 0;
  auto registration = std::make_unique<Cancellation::Registration>(cancellation.OnCancel([&] { ++forgotten; }));
  const auto other = cancellation.OnCancel([&] { ++kept; });
  registration.reset();
  cancellation.Cancel("stop");
  EXPECT_EQ(forgotten, 0);
  EXPECT_EQ(kept, 1);
}

TEST(Cancellation, KeepsACallbackWhoseRegistrationMoved) {
  Cancellation cancellation;
  int calls = 0;
  auto original = std::make_unique<Cancellation::Registration>(cancellation.OnCancel([&] { ++calls; }));
  const Cancellation::Registration moved = std::move(*original);
  original.reset();
  cancellation.Cancel("stop");
  EXPECT_EQ(calls, 1);
}

TEST(Cancellation, EndsWaitsOfOtherThreads) {
  Cancellation cancellation;
  std::vector<std::thread> waiters;
  for (int i = 0; i < 4; ++i) waiters.emplace_back([&] { cancellation.WaitFor(absl::Hours(1)); });
  cancellation.Cancel("stop");
  for (std::thread& waiter : waiters) waiter.join();
  cancellation.WaitFor(absl::Hours(1));  // returns at once
}

TEST(Cancellation, ReturnsFromAWaitThatNobodyCancels) {
  Cancellation cancellation;
  cancellation.WaitFor(absl::Milliseconds(1));
  cancellation.WaitFor(absl::ZeroDuration());
  EXPECT_TRUE(cancellation.Check().ok());
}

TEST(Cancellation, CallsBackExactlyOnceWhenThreadsRaceToRegisterAndCancel) {
  constexpr int kThreads = 4;
  constexpr int kCallbacks = 500;
  Cancellation cancellation;
  std::vector<std::atomic<int>> calls(kThreads * kCallbacks);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      std::vector<Cancellation::Registration> registrations;
      registrations.reserve(kCallbacks);
      for (int i = 0; i < kCallbacks; ++i) {
        std::atomic<int>& called = calls[static_cast<size_t>(thread * kCallbacks + i)];
        registrations.push_back(cancellation.OnCancel([&called] { ++called; }));
        if (i == kCallbacks / 2) cancellation.Cancel("stop");
      }
      // Whoever cancelled may still be calling; until then the registrations must stay.
      while (calls[static_cast<size_t>(thread * kCallbacks)] == 0) std::this_thread::yield();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::atomic<int>& called : calls) EXPECT_EQ(called, 1);
}

}  // namespace
}  // namespace understudy
