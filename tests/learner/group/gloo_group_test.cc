#include "learner/group/gloo_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <future>
#include <numeric>
#include <optional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/testing/gloo_ranks.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::OnRanks;
using testing::RunRanks;

TEST(GlooGroup, EveryRankGetsTheSameSumBitForBit) {
  for (const int ranks : {2, 3, 4}) {
    for (const size_t count : {size_t{1}, size_t{2}, size_t{9'001}, size_t{700'000}}) {
      SCOPED_TRACE(absl::StrCat(ranks, " ranks, ", count, " numbers"));
      std::vector<std::vector<float>> sums(static_cast<size_t>(ranks));
      RunRanks(ranks, [&](LearnerGroup& group) {
        std::vector<float>& numbers = sums[static_cast<size_t>(group.rank())];
        for (size_t i = 0; i < count; ++i) numbers.push_back(1.0f / static_cast<float>(i + 1 + 7 * group.rank()));
        EXPECT_TRUE(group.Sum(numbers).ok());
      });
      for (const std::vector<float>& sum : sums) EXPECT_TRUE(sum == sums[0]);
      for (size_t i = 0; i < count; i += 1 + count / 100) {
        double expected = 0;
        for (int rank = 0; rank < ranks; ++rank) expected += 1.0 / static_cast<double>(i + 1 + 7 * rank);
        EXPECT_NEAR(sums[0][i], expected, 1e-6) << i;
      }
    }
  }
}

TEST(GlooGroup, SumsAreTheSameAgain) {
  std::vector<std::vector<float>> sums;
  for (int time = 0; time < 2; ++time) {
    std::vector<float>& sum = sums.emplace_back();
    RunRanks(3, [&](LearnerGroup& group) {
      std::vector<float> numbers(10'000);
      for (size_t i = 0; i < numbers.size(); ++i) {
        numbers[i] = 1.0f / static_cast<float>(3 * i + 1 + static_cast<size_t>(group.rank()));
      }
      EXPECT_TRUE(group.Sum(numbers).ok());
      if (group.rank() == 0) sum = numbers;
    });
  }
  EXPECT_TRUE(sums[0] == sums[1]);
}

TEST(GlooGroup, GathersWhatEachGaveInOrderOfRank) {
  const std::string large(3 << 20, 'x');
  RunRanks(3, [&](LearnerGroup& group) {
    const auto first = group.Gather(group.rank() == 1 ? "" : absl::StrCat("of ", group.rank()));
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_THAT(*first, ElementsAre("of 0", "", "of 2"));
    const auto second = group.Gather(group.rank() == 2 ? large : "");
    ASSERT_TRUE(second.ok()) << second.status();
    EXPECT_TRUE((*second)[2] == large);
    const auto nothing = group.Gather("");
    ASSERT_TRUE(nothing.ok()) << nothing.status();
    EXPECT_THAT(*nothing, ElementsAre("", "", ""));
    std::vector<double> numbers = {0.1 * group.rank(), 1};
    ASSERT_TRUE(group.Sum(numbers).ok());
    EXPECT_THAT(numbers, ElementsAre(0.1 + 0.2, 3));
  });
}

TEST(GlooGroup, SharesAreAsEqualAsCanBeAndLeaveNothingOut) {
  RunRanks(3, [](LearnerGroup& group) {
    const Share share = group.ShareOf(8);
    EXPECT_EQ(share.begin, std::vector<int64_t>({0, 2, 5})[static_cast<size_t>(group.rank())]);
    EXPECT_EQ(share.end, std::vector<int64_t>({2, 5, 8})[static_cast<size_t>(group.rank())]);
    EXPECT_EQ(group.ShareOf(2).size(), group.rank() == 0 ? 0 : 1);
  });
}

TEST(GlooGroup, BreakingWakesWhoWaitsAndNothingWorksAfterwards) {
  OnRanks ranks(2);
  std::promise<void> waiting;
  std::thread waits([&] {
    std::vector<float> numbers(1000);
    waiting.set_value();
    const absl::Status status = ranks[1].Sum(numbers);
    EXPECT_EQ(status, absl::CancelledError("it was enough"));
  });
  // Rank 0 never comes.
  waiting.get_future().wait();
  ranks[1].Break(absl::CancelledError("it was enough"));
  waits.join();
  ranks[1].Break(GroupBroken("it is so still"));
  EXPECT_EQ(ranks[1].Gather("").status(), absl::CancelledError("it was enough"));
  EXPECT_TRUE(IsGroupBroken(ranks[0].Gather("").status()));
}

TEST(GlooGroup, ARankThatGoesWakesTheOthers) {
  OnRanks ranks(2);
  std::thread waits([&] {
    std::vector<float> numbers(1000);
    EXPECT_TRUE(IsGroupBroken(ranks[0].Sum(numbers)));
  });
  ranks.Leave(1);
  waits.join();
}

// Rank 1 waits for rank 2, which does not come, when rank 0 has gone already: that connection wakes nobody any more.
TEST(GlooGroup, BreakingWakesWhoWaitsForARankThatIsThereAlthoughAnotherHasGone) {
  OnRanks ranks(3);
  std::promise<void> returned;
  std::thread waits([&] {
    std::vector<float> numbers(100'000);
    EXPECT_FALSE(ranks[1].Sum(numbers).ok());
    returned.set_value();
  });
  ranks.Leave(0);
  std::future<void> woken = returned.get_future();
  woken.wait_for(std::chrono::milliseconds(50));  // it may have been woken by that, or wait for rank 2
  ranks[1].Break(absl::CancelledError("another assignment"));
  EXPECT_EQ(woken.wait_for(std::chrono::seconds(5)), std::future_status::ready);
  ranks.Leave(2);
  waits.join();
}

// Gloo leaves somebody waiting now and then, where a message was half sent when the connection broke.
TEST(GlooGroup, BreakingWakesWhoeverHasAMessageHalfSent) {
  for (int round = 0; round < 40; ++round) {
    OnRanks ranks(2);
    std::vector<std::future<void>> ended;
    std::vector<std::thread> threads;
    for (const int rank : {0, 1}) {
      auto end = std::make_shared<std::promise<void>>();
      ended.push_back(end->get_future());
      threads.emplace_back([&ranks, rank, end] {
        std::vector<float> numbers(1'000'000);
        while (ranks[rank].Sum(numbers).ok()) {
        }
        end->set_value();
      });
    }
    std::this_thread::sleep_for(std::chrono::microseconds(500 * round));  // to break it at another moment each time
    ranks[round % 2].Break(absl::CancelledError("another assignment"));
    ranks[1 - round % 2].Break(GroupBroken("the other has gone"));
    for (std::future<void>& end : ended) {
      ASSERT_EQ(end.wait_for(std::chrono::seconds(10)), std::future_status::ready) << "round " << round;
    }
    for (std::thread& thread : threads) thread.join();
  }
}

TEST(GlooGroup, ConnectingToWhoDoesNotConnectCanBeBroken) {
  // Whichever of two listens for the other: both ways round, several times, as breaking comes at another moment each
  // time.
  for (int round = 0; round < 20; ++round) {
    const int here = round % 2;
    auto group = *GlooGroup::Create(here, 2, "127.0.0.1");
    auto silent = *GlooGroup::Create(1 - here, 2, "127.0.0.1");
    std::promise<std::string> silent_addresses;
    std::thread other([&] {
      silent
          ->Connect([&](const std::string& mine) -> absl::StatusOr<std::vector<std::string>> {
            silent_addresses.set_value(mine);
            return absl::CancelledError("it never connects");
          })
          .IgnoreError();
    });
    const std::string theirs = silent_addresses.get_future().get();
    other.join();
    std::promise<void> met;
    std::thread breaks([&] {
      met.get_future().wait();
      group->Break(absl::CancelledError("another assignment"));
    });
    const auto began = std::chrono::steady_clock::now();
    const absl::Status connected = group->Connect([&](const std::string& mine) {
      met.set_value();
      return here == 0 ? std::vector{mine, theirs} : std::vector{theirs, mine};
    });
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
    breaks.join();
    // Where the operating system has accepted the connection, that is all there is to it.
    EXPECT_TRUE(absl::IsCancelled(connected) || absl::IsCancelled(group->Gather("").status())) << connected;
  }
}

sockaddr_in AddressOf(uint32_t ip) {
  return {.sin_family = AF_INET, .sin_port = htons(1), .sin_addr = {htonl(ip)}, .sin_zero = {}};
}

// An address as Gloo writes it begins with a sockaddr_in: this makes it another one.
std::string WithAddress(std::string text, const sockaddr_in& address) {
  std::memcpy(text.data(), &address, sizeof(address));
  return text;
}

// A rank whose peer has reset a connection that it is about to accept ends its process: Gloo asks who the peer is.
TEST(GlooGroup, BreakingWhileConnectingResetsNoConnection) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in lower = AddressOf(0x7F000001);
  lower.sin_port = 0;
  socklen_t length = sizeof(lower);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&lower), length), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&lower), &length), 0);

  // Of two ranks the one with the higher address connects. So rank 0 connects to rank 1, which is the listener, and
  // then waits for rank 2 to connect.
  auto group = *GlooGroup::Create(0, 3, "127.0.0.2");
  absl::Status connected;
  std::thread connects([&] {
    connected = group->Connect([&](const std::string& mine) {
      const std::string one = mine.substr(0, mine.size() / 2);
      const std::string rank_1 = WithAddress(one, lower);
      const std::string rank_2 = WithAddress(one, AddressOf(0x7F000003));
      return std::vector{mine, rank_1 + rank_1, rank_2 + rank_2};
    });
  });
  const int accepted = accept(listener, nullptr, nullptr);
  EXPECT_GE(accepted, 0);
  group->Break(absl::CancelledError("another assignment"));
  // Newer releases of Gloo say which connection it is first.
  char bytes[64];
  ssize_t received = 0;
  do {
    received = recv(accepted, bytes, sizeof(bytes), 0);
  } while (received > 0);
  EXPECT_EQ(received, 0) << std::strerror(errno);
  close(accepted);
  close(listener);
  connects.join();
  EXPECT_EQ(connected, absl::CancelledError("another assignment"));
}

TEST(GlooGroup, WhatGoesWrongWhereTheyMeetIsSaid) {
  const auto meeting = [](const absl::StatusOr<std::vector<std::string>>& all) {
    return (*GlooGroup::Create(0, 2, "127.0.0.1"))->Connect([&](const std::string&) { return all; });
  };
  EXPECT_EQ(meeting(absl::CancelledError("nobody came")), absl::CancelledError("nobody came"));
  EXPECT_THAT(std::string(meeting(std::vector<std::string>{"x"}).message()), HasSubstr("found 1 ranks, expected 2"));
  EXPECT_THAT(std::string(meeting(std::vector<std::string>{"x", "y"}).message()),
              HasSubstr("rank 0 gave 1 bytes of addresses"));
  EXPECT_THAT(std::string(GlooGroup::Create(0, 2, "192.0.2.1").status().message()),
              HasSubstr("cannot listen for other learners on 192.0.2.1"));
  const auto nowhere = GlooGroup::Create(0, 2, "no.such.host.invalid");
  EXPECT_TRUE(absl::IsInvalidArgument(nowhere.status())) << nowhere.status();
}

}  // namespace
}  // namespace understudy
