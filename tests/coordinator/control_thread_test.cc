#include "coordinator/control_thread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::SizeIs;

// Writes down what happens, in order; the tests read it once the thread has stopped, or in between on the thread.
struct Diary {
  ControlThread::Routine routine() {
    return {.note_lapse = [this](absl::Duration) { entries.push_back("lapse"); },
            .settle =
                [this](absl::Time) {
                  entries.push_back("settle");
                  return wake;
                },
            .end = [this] { entries.push_back("end"); }};
  }
  std::function<void()> Write(const std::string& entry) {
    return [this, entry] { entries.push_back(entry); };
  }

  std::vector<std::string> entries;
  absl::Time wake = absl::InfiniteFuture();
};

TEST(ControlThread, SettlesABatchOnceAndThenAnswersItsCalls) {
  Diary diary;
  ControlThread control;
  EXPECT_TRUE(control.Post(diary.Write("a")));
  EXPECT_TRUE(control.Post(diary.Write("b")));
  EXPECT_EQ(control.waiting(), 2u);
  std::thread caller([&] {
    const auto call = [&](absl::Time) {
      diary.Write("call")();
      return absl::OkStatus();
    };
    const auto saved = [&] {
      diary.Write("answer")();
      return absl::OkStatus();
    };
    EXPECT_EQ(control.Call(call, saved), absl::OkStatus());
  });
  while (control.waiting() < 3) std::this_thread::yield();
  control.Start(diary.routine());
  caller.join();
  control.Stop();
  // Once a second it settles again.
  ASSERT_THAT(diary.entries, SizeIs(Ge(7)));
  diary.entries.resize(6);
  EXPECT_THAT(diary.entries, ElementsAre("lapse", "a", "b", "call", "settle", "answer"));
}

TEST(ControlThread, AnswersWithTheCallsErrorOrWithWhatIsSaidOnceItIsSettled) {
  Diary diary;
  ControlThread control;
  control.Start(diary.routine());
  const auto well = [](absl::Time) { return absl::OkStatus(); };
  const auto badly = [](absl::Time) { return absl::NotFoundError("no such experiment"); };
  const auto unsaved = [] { return absl::ResourceExhaustedError("the disk is full"); };
  EXPECT_EQ(control.Call(well, unsaved), absl::ResourceExhaustedError("the disk is full"));
  EXPECT_EQ(control.Call(badly, unsaved), absl::NotFoundError("no such experiment"));
}

TEST(ControlThread, SettlesWhenItIsTimeThoughNothingHappens) {
  int settled = 0;
  std::promise<void> enough;
  ControlThread control;
  control.Start({.note_lapse = [](absl::Duration) {},
                 .settle =
                     [&](absl::Time now) {
                       if (++settled == 20) enough.set_value();
                       return settled < 20 ? now + absl::Milliseconds(1) : absl::InfiniteFuture();
                     },
                 .end = [] {}});
  // Were it not for the time that is asked for, it would look once a second.
  EXPECT_EQ(enough.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST(ControlThread, RefusesEventsBeyondItsCapacityUnlessTheyMustNotBeLost) {
  Diary diary;
  ControlThread control;
  for (size_t i = 0; i < kMostEvents; ++i) ASSERT_TRUE(control.Post([] {}));
  EXPECT_FALSE(control.Post(diary.Write("one too many")));
  EXPECT_TRUE(control.PostBeyondCapacity(diary.Write("must come")));
  EXPECT_EQ(control.waiting(), kMostEvents + 1);
  control.Start(diary.routine());
  control.Stop();
  EXPECT_EQ(std::count(diary.entries.begin(), diary.entries.end(), "must come"), 1);
  EXPECT_EQ(std::count(diary.entries.begin(), diary.entries.end(), "one too many"), 0);
}

TEST(ControlThread, EventsOfOtherThreadsHappenOneAtATime) {
  Diary diary;
  ControlThread control;
  control.Start(diary.routine());
  int happened = 0;
  std::vector<std::thread> posters;
  for (int i = 0; i < 4; ++i) {
    posters.emplace_back([&] {
      for (int j = 0; j < 100; ++j) EXPECT_TRUE(control.Post([&happened] { ++happened; }));
    });
  }
  for (std::thread& poster : posters) poster.join();
  control.Stop();
  EXPECT_EQ(happened, 400);
}

// The thread has just found that no event waits.
TEST(ControlThread, WhatIsPostedJustBeforeItStopsHappens) {
  Diary diary;
  ControlThread control;
  std::promise<void> posted;
  bool first = true;
  ControlThread::Routine routine = diary.routine();
  routine.note_lapse = [&](absl::Duration) {
    if (!std::exchange(first, false)) return;
    EXPECT_TRUE(control.Post(diary.Write("late")));
    posted.set_value();
    while (control.Post([] {})) std::this_thread::yield();  // until it is stopping
  };
  control.Start(routine);
  posted.get_future().wait();
  control.Stop();
  EXPECT_EQ(std::count(diary.entries.begin(), diary.entries.end(), "late"), 1);
}

TEST(ControlThread, WhatWasPostedBeforeItStoppedHappensAndNothingAfterwards) {
  Diary diary;
  ControlThread control;
  control.Post(diary.Write("before"));
  control.Start(diary.routine());
  control.Stop();
  EXPECT_FALSE(control.Post(diary.Write("after")));
  EXPECT_FALSE(control.PostBeyondCapacity(diary.Write("after")));
  const auto call = [&](absl::Time) {
    diary.Write("after")();
    return absl::OkStatus();
  };
  EXPECT_EQ(control.Call(call, [] { return absl::OkStatus(); }), StoppingStatus());
  control.Stop();
  ASSERT_THAT(diary.entries, SizeIs(Ge(4)));
  EXPECT_EQ(diary.entries[1], "before");
  EXPECT_EQ(diary.entries.back(), "end");
  EXPECT_EQ(std::count(diary.entries.begin(), diary.entries.end(), "end"), 1);
  EXPECT_EQ(std::count(diary.entries.begin(), diary.entries.end(), "after"), 0);
}

using std::chrono::milliseconds;

const absl::Time kWall = absl::FromUnixSeconds(1'000'000);
const std::chrono::steady_clock::time_point kSteady{};

TEST(LapseMeter, FindsNoneInALoopThatRuns) {
  LapseMeter meter(absl::Seconds(2), kWall, kSteady);
  EXPECT_EQ(meter.Measure(kWall + absl::Seconds(1), kSteady + milliseconds(1000)), absl::ZeroDuration());
}

TEST(LapseMeter, FindsTheTimeInWhichTheProcessWasStopped) {
  LapseMeter meter(absl::Seconds(2), kWall, kSteady);
  EXPECT_EQ(meter.Measure(kWall + absl::Seconds(60), kSteady + milliseconds(60'000)), absl::Seconds(58));
}

TEST(LapseMeter, FindsTheTimeInWhichTheMachineSlept) {
  LapseMeter meter(absl::Seconds(2), kWall, kSteady);
  EXPECT_EQ(meter.Measure(kWall + absl::Hours(8), kSteady + milliseconds(500)),
            absl::Hours(8) - absl::Milliseconds(500));
}

TEST(LapseMeter, FindsThatTheClockWasSetBack) {
  LapseMeter meter(absl::Seconds(2), kWall, kSteady);
  EXPECT_EQ(meter.Measure(kWall - absl::Hours(1), kSteady + milliseconds(1000)), -absl::Hours(1) - absl::Seconds(1));
}

}  // namespace
}  // namespace understudy
