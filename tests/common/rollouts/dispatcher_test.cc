#include "common/rollouts/dispatcher.h"
#include "common/rpc/protocol.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/rollouts/episode_order.h"
#include "common/rollouts/segment_order.h"
#include "tests/testing/fake_actor_link.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using ::understudy::testing::CartPoleSpec;
using ::understudy::testing::EpisodeBatch;
using ::understudy::testing::ExpectationOf;
using ::understudy::testing::FakeActorLink;
using ::understudy::testing::TestSnapshot;

std::shared_ptr<FakeActorLink> Connect(Dispatcher& dispatcher, const std::string& worker_id) {
  auto link = std::make_shared<FakeActorLink>(worker_id);
  dispatcher.Connect(link);
  return link;
}

std::shared_ptr<EpisodeOrder> Episodes(int64_t count, int64_t version = 1) {
  return std::make_shared<EpisodeOrder>(
      EpisodeOrderOptions{.expectation = ExpectationOf({.version = version}), .episodes = count});
}

v1::RolloutResult Answer(const v1::RolloutRequest& request, bool last = true) {
  v1::RolloutResult result;
  result.set_request_id(request.id());
  result.set_last(last);
  std::vector<int64_t> episodes;
  for (int64_t n = request.episodes().begin(); n < request.episodes().end(); ++n) episodes.push_back(n);
  *result.mutable_batch() = EpisodeBatch(episodes, 20, {.version = request.policy_version()});
  return result;
}

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
  dispatcher.Add(Episodes(200), TestSnapshot("expert", 1));
  // Header and one chunk of parameters; two requests in flight.
  EXPECT_EQ(Kinds(*actor), "hpprr");
  ASSERT_TRUE(dispatcher.Receive(*actor, Answer(actor->Requests()[0])).ok());
  EXPECT_EQ(Kinds(*actor), "hpprrar");
}

TEST(Dispatcher, SendsAPolicyAgainThatTheActorHasDropped) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = Connect(dispatcher, "a");
  const auto run = [&](int64_t version) {
    actor->sent.clear();
    const auto order = Episodes(1, version);
    dispatcher.Add(order, TestSnapshot("expert", version));
    const std::string kinds = Kinds(*actor);
    EXPECT_TRUE(dispatcher.Receive(*actor, Answer(actor->Requests().at(0))).ok());
    EXPECT_TRUE(order->done());
    dispatcher.Remove(*order);
    return kinds;
  };
  for (int64_t version = 1; version <= static_cast<int64_t>(kPoliciesPerStream); ++version)
    EXPECT_EQ(run(version), "ppr");
  EXPECT_EQ(run(1), "r");
  EXPECT_EQ(run(99), "ppr");
  EXPECT_EQ(run(2), "r");
  EXPECT_EQ(run(1), "ppr");
}

TEST(Dispatcher, SharesAnOrderEvenlyAmongTheActorsThatAreThere) {
  Dispatcher dispatcher(CartPoleSpec());
  std::vector<std::shared_ptr<FakeActorLink>> actors;
  for (const char* id : {"a", "b", "c"}) actors.push_back(Connect(dispatcher, id));
  const auto order =
      std::make_shared<SegmentOrder>(SegmentOrderOptions{.expectation = ExpectationOf({}), .slots = 16, .steps = 8});
  dispatcher.Add(order, TestSnapshot("expert", 1));
  std::vector<int64_t> sizes;
  for (const auto& actor : actors) {
    ASSERT_EQ(actor->Requests().size(), 1u);
    sizes.push_back(actor->Requests()[0].segments().end() - actor->Requests()[0].segments().begin());
  }
  std::sort(sizes.begin(), sizes.end());
  EXPECT_EQ(sizes, (std::vector<int64_t>{4, 6, 6}));
  EXPECT_TRUE(Connect(dispatcher, "late")->Requests().empty());
}

TEST(Dispatcher, AsksOthersForWhatAnActorTookWithIt) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto a = Connect(dispatcher, "a");
  const auto order = Episodes(10);
  dispatcher.Add(order, TestSnapshot("expert", 1));
  const auto b = Connect(dispatcher, "b");
  ASSERT_TRUE(b->Requests().empty());
  dispatcher.Disconnect(*a);
  EXPECT_EQ(dispatcher.actors(), 1);
  ASSERT_EQ(b->Requests().size(), 1u);
  ASSERT_TRUE(dispatcher.Receive(*b, Answer(b->Requests()[0])).ok());
  EXPECT_TRUE(order->done());
  // What the lost one still says counts for nothing.
  EXPECT_TRUE(dispatcher.Receive(*a, Answer(a->Requests()[0])).ok());
  EXPECT_TRUE(a->Acks().empty());
}

TEST(Dispatcher, ReplacesTheLinkOfAWorkerThatComesAgain) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto before = Connect(dispatcher, "a");
  dispatcher.Add(Episodes(10), TestSnapshot("expert", 1));
  const auto after = Connect(dispatcher, "a");
  ASSERT_TRUE(before->closed.has_value());
  EXPECT_TRUE(absl::IsAborted(*before->closed));
  EXPECT_EQ(dispatcher.actors(), 1);
  EXPECT_EQ(after->Requests().size(), 1u);
  dispatcher.Disconnect(*before);
  EXPECT_EQ(dispatcher.actors(), 1);
}

TEST(Dispatcher, AcknowledgesWhatCountsAndWhatDoesNot) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = Connect(dispatcher, "a");
  const auto order = Episodes(3);
  dispatcher.Add(order, TestSnapshot("expert", 1));
  const v1::RolloutRequest request = actor->Requests().at(0);
  v1::RolloutResult first = Answer(request, /*last=*/false);
  *first.mutable_batch() = EpisodeBatch({1}, 20);
  ASSERT_TRUE(dispatcher.Receive(*actor, first).ok());
  v1::RolloutResult second = Answer(request);
  second.set_sequence(1);
  ASSERT_TRUE(dispatcher.Receive(*actor, second).ok());
  const std::vector<v1::RolloutAck> acks = actor->Acks();
  ASSERT_EQ(acks.size(), 2u);
  EXPECT_EQ(acks[0].accepted(), 1);
  EXPECT_EQ(acks[1].sequence(), 1u);
  EXPECT_EQ(acks[1].accepted(), 2);
  EXPECT_EQ(acks[1].rejected(), 1);
}

TEST(Dispatcher, RejectsWhatComesForARemovedOrder) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = Connect(dispatcher, "a");
  const auto order = Episodes(3);
  dispatcher.Add(order, TestSnapshot("expert", 1));
  dispatcher.Remove(*order);
  ASSERT_TRUE(dispatcher.Receive(*actor, Answer(actor->Requests().at(0))).ok());
  ASSERT_EQ(actor->Acks().size(), 1u);
  EXPECT_EQ(actor->Acks()[0].accepted(), 0);
  EXPECT_EQ(actor->Acks()[0].rejected(), 3);
  EXPECT_EQ(order->prefix(), 0);
}

TEST(Dispatcher, ServesTheOldestOrderFirst) {
  Dispatcher dispatcher(CartPoleSpec());
  dispatcher.Add(Episodes(10, 1), TestSnapshot("expert", 1));
  dispatcher.Add(Episodes(10, 2), TestSnapshot("expert", 2));
  const auto actor = Connect(dispatcher, "a");
  const std::vector<v1::RolloutRequest> requests = actor->Requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].policy_version(), 1);
  EXPECT_EQ(requests[1].policy_version(), 2);
  EXPECT_NE(requests[0].id(), requests[1].id());
}

TEST(Dispatcher, RefusesMalformedResults) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = Connect(dispatcher, "a");
  dispatcher.Add(Episodes(3), TestSnapshot("expert", 1));
  const v1::RolloutResult good = Answer(actor->Requests().at(0));
  v1::RolloutResult unknown = good;
  unknown.set_request_id(99);
  EXPECT_TRUE(absl::IsInvalidArgument(dispatcher.Receive(*actor, unknown)));
  v1::RolloutResult out_of_order = good;
  out_of_order.set_sequence(1);
  EXPECT_TRUE(absl::IsInvalidArgument(dispatcher.Receive(*actor, out_of_order)));
  v1::RolloutResult other_version = good;
  other_version.mutable_batch()->set_policy_version(2);
  EXPECT_TRUE(absl::IsInvalidArgument(dispatcher.Receive(*actor, other_version)));
  EXPECT_TRUE(absl::IsInvalidArgument(dispatcher.Receive(*actor, v1::ActorMessage())));
  EXPECT_TRUE(actor->Acks().empty());
}

TEST(Dispatcher, FailsTheOrderThatAnActorCannotFulfil) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = Connect(dispatcher, "a");
  const auto order = Episodes(3);
  dispatcher.Add(order, TestSnapshot("expert", 1));
  v1::ActorMessage message;
  message.mutable_failure()->set_request_id(actor->Requests().at(0).id());
  message.mutable_failure()->set_message("no such environment");
  const absl::Status status = dispatcher.Receive(*actor, message);
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(status.message().find("no such environment"), absl::string_view::npos);
  dispatcher.Remove(*order);
  EXPECT_TRUE(absl::IsInvalidArgument(dispatcher.Receive(*actor, message)));
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
