#include "common/rollouts/dispatcher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "common/rollouts/segment_order.h"
#include "common/rpc/protocol.h"
#include "tests/common/rollouts/fake_actors.h"
#include "tests/testing/fake_actor_link.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using ::understudy::testing::Answer;
using ::understudy::testing::CartPoleSpec;
using ::understudy::testing::Connect;
using ::understudy::testing::ConnectKnown;
using ::understudy::testing::Deliver;
using ::understudy::testing::Episodes;
using ::understudy::testing::ExpectationOf;
using ::understudy::testing::FakeActorLink;
using ::understudy::testing::kNow;
using ::understudy::testing::TestSnapshot;

// What was sent, one letter each: hello, policy chunk, request, ack.
std::string Kinds(const FakeActorLink& link) {
  std::string kinds;
  for (const v1::SinkMessage& message : link.sent) kinds += "-hpra"[message.kind_case()];
  return kinds;
}

TEST(Dispatcher, GreetsWithItsEnvironmentAndWidth) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = Connect(dispatcher, "a");
  ASSERT_EQ(Kinds(*actor), "h");
  EXPECT_EQ(actor->sent[0].hello().protocol_version(), kProtocolVersion);
  EXPECT_EQ(actor->sent[0].hello().environment().name(), "CartPole-v1");
  EXPECT_EQ(actor->sent[0].hello().inference_width(), 64);
}

TEST(Dispatcher, SendsAPolicyOnceBeforeItsFirstRequest) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = Connect(dispatcher, "a");
  dispatcher.Start(Episodes(200), TestSnapshot("expert", 1), kNow);
  // Header and one chunk of parameters.
  EXPECT_EQ(Kinds(*actor), "hppr");
  ASSERT_TRUE(Deliver(dispatcher, *actor, Answer(actor->Requests()[0]), kNow).ok());
  EXPECT_EQ(Kinds(*actor), "hpprarr");  // two requests in flight
}

TEST(Dispatcher, SendsAPolicyAgainThatTheActorHasDropped) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = Connect(dispatcher, "a");
  const auto run = [&](int64_t version) {
    actor->sent.clear();
    const auto order = Episodes(1, version);
    dispatcher.Start(order, TestSnapshot("expert", version), kNow);
    const std::string kinds = Kinds(*actor);
    EXPECT_TRUE(Deliver(dispatcher, *actor, Answer(actor->Requests().at(0)), kNow).ok());
    EXPECT_TRUE(order->done());
    dispatcher.Drop(*order);
    return kinds;
  };
  for (int64_t version = 1; version <= static_cast<int64_t>(kPoliciesPerStream); ++version)
    EXPECT_EQ(run(version), "ppr");
  EXPECT_EQ(run(1), "r");
  EXPECT_EQ(run(99), "ppr");
  EXPECT_EQ(run(2), "r");
  EXPECT_EQ(run(1), "ppr");
}

TEST(Dispatcher, WhatRunsInTheBackgroundHoldsTheRestUpForOneRequestAtMost) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = ConnectKnown(dispatcher, "a");
  dispatcher.Start(Episodes(300, 1), TestSnapshot("expert", 1), kNow, /*background=*/true);
  ASSERT_EQ(actor->Requests().size(), 1u);  // and not a second one to go on with
  dispatcher.Start(Episodes(100, 2), TestSnapshot("expert", 2), kNow);
  ASSERT_EQ(actor->Requests().size(), 2u);
  EXPECT_EQ(actor->Requests()[1].policy_version(), 2);
  ASSERT_TRUE(Deliver(dispatcher, *actor, Answer(actor->Requests()[0]), kNow).ok());
  ASSERT_EQ(actor->Requests().size(), 3u);
  EXPECT_EQ(actor->Requests()[2].policy_version(), 2);  // though the other order is older
  ASSERT_TRUE(Deliver(dispatcher, *actor, Answer(actor->Requests()[1]), kNow).ok());
  ASSERT_TRUE(Deliver(dispatcher, *actor, Answer(actor->Requests()[2]), kNow).ok());
  ASSERT_EQ(actor->Requests().size(), 4u);
  EXPECT_EQ(actor->Requests()[3].policy_version(), 1);
}

TEST(Dispatcher, ServesTheOldestOrderFirst) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = ConnectKnown(dispatcher, "a");
  dispatcher.Start(Episodes(10, 1), TestSnapshot("expert", 1), kNow);
  dispatcher.Start(Episodes(10, 2), TestSnapshot("expert", 2), kNow);
  const std::vector<v1::RolloutRequest> requests = actor->Requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].policy_version(), 1);
  EXPECT_EQ(requests[1].policy_version(), 2);
  EXPECT_NE(requests[0].id(), requests[1].id());
}

TEST(Dispatcher, SharesAnOrderEvenlyAmongTheActorsThatAreThere) {
  Dispatcher dispatcher(CartPoleSpec());
  std::vector<std::shared_ptr<FakeActorLink>> actors;
  for (const char* id : {"a", "b", "c"}) actors.push_back(Connect(dispatcher, id));
  const auto order =
      std::make_shared<SegmentOrder>(SegmentOrderOptions{.expectation = ExpectationOf({}), .slots = 16, .steps = 8});
  dispatcher.Start(order, TestSnapshot("expert", 1), kNow);
  std::vector<int64_t> sizes;
  for (const auto& actor : actors) {
    ASSERT_EQ(actor->Requests().size(), 1u);
    sizes.push_back(actor->Requests()[0].segments().end() - actor->Requests()[0].segments().begin());
  }
  std::sort(sizes.begin(), sizes.end());
  EXPECT_EQ(sizes, (std::vector<int64_t>{4, 6, 6}));
  EXPECT_TRUE(Connect(dispatcher, "late")->Requests().empty());
}

// What each was asked for, in requests of one inference width.
std::vector<size_t> RequestsOfEach(const std::vector<std::shared_ptr<FakeActorLink>>& actors) {
  std::vector<size_t> counts;
  for (const auto& actor : actors) counts.push_back(actor->Requests().size());
  return counts;
}

TEST(Dispatcher, LeavesARequestForThoseThatAreStillToCome) {
  Dispatcher dispatcher(CartPoleSpec());
  dispatcher.Start(Episodes(4 * kInferenceWidth), TestSnapshot("expert", 1), kNow);
  std::vector<std::shared_ptr<FakeActorLink>> actors;
  for (const char* id : {"a", "b", "c", "d"}) actors.push_back(Connect(dispatcher, id));
  EXPECT_EQ(RequestsOfEach(actors), std::vector<size_t>(4, 1));
}

TEST(Dispatcher, QueuesNothingAtOneThatOthersWouldWaitFor) {
  Dispatcher dispatcher(CartPoleSpec());
  std::vector<std::shared_ptr<FakeActorLink>> actors;
  for (const char* id : {"a", "b", "c", "d"}) actors.push_back(Connect(dispatcher, id));
  const auto order = Episodes(12 * kInferenceWidth);
  dispatcher.Start(order, TestSnapshot("expert", 1), kNow);
  // All are equally fast: at each wave's end everybody has had as many requests as the others.
  for (size_t wave = 0; wave < 3; ++wave) {
    for (const auto& actor : actors) {
      ASSERT_TRUE(Deliver(dispatcher, *actor, Answer(actor->Requests().at(wave)), kNow).ok());
    }
  }
  EXPECT_EQ(RequestsOfEach(actors), std::vector<size_t>(4, 3));
  EXPECT_TRUE(order->done());
}

TEST(Dispatcher, AsksOthersForWhatAnActorTookWithIt) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto a = Connect(dispatcher, "a");
  const auto order = Episodes(10);
  dispatcher.Start(order, TestSnapshot("expert", 1), kNow);
  const auto b = Connect(dispatcher, "b");
  ASSERT_TRUE(b->Requests().empty());
  dispatcher.Disconnect(*a, kNow);
  EXPECT_EQ(dispatcher.actors(), 1);
  ASSERT_EQ(b->Requests().size(), 1u);
  ASSERT_TRUE(Deliver(dispatcher, *b, Answer(b->Requests()[0]), kNow).ok());
  EXPECT_TRUE(order->done());
  // What the lost one still says counts for nothing.
  EXPECT_TRUE(Deliver(dispatcher, *a, Answer(a->Requests()[0]), kNow).ok());
  EXPECT_TRUE(a->Acks().empty());
}

TEST(Dispatcher, ReplacesTheLinkOfAWorkerThatComesAgain) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto before = Connect(dispatcher, "a");
  dispatcher.Start(Episodes(10), TestSnapshot("expert", 1), kNow);
  const auto after = Connect(dispatcher, "a");
  ASSERT_TRUE(before->closed.has_value());
  EXPECT_TRUE(absl::IsAborted(*before->closed));
  EXPECT_EQ(dispatcher.actors(), 1);
  EXPECT_EQ(after->Requests().size(), 1u);
  dispatcher.Disconnect(*before, kNow);
  EXPECT_EQ(dispatcher.actors(), 1);
}

TEST(Dispatcher, ClosesAllLinks) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto a = Connect(dispatcher, "a");
  const auto b = Connect(dispatcher, "b");
  dispatcher.CloseAll(absl::OkStatus());
  EXPECT_EQ(a->closed, absl::OkStatus());
  EXPECT_EQ(b->closed, absl::OkStatus());
  EXPECT_EQ(dispatcher.actors(), 0);
}

}  // namespace
}  // namespace understudy
