// What a dispatcher makes of what actors deliver, and how it accounts for it.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "common/rollouts/dispatcher.h"
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
using ::understudy::testing::EpisodeBatch;
using ::understudy::testing::Episodes;
using ::understudy::testing::kNow;
using ::understudy::testing::TestSnapshot;

TEST(Dispatcher, AcknowledgesWhatCountsAndWhatDoesNot) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = Connect(dispatcher, "a");
  const auto order = Episodes(3);
  dispatcher.Start(order, TestSnapshot("expert", 1), kNow);
  const v1::RolloutRequest request = actor->Requests().at(0);
  v1::RolloutResult first = Answer(request, /*last=*/false);
  *first.mutable_batch() = EpisodeBatch({1}, 20);
  ASSERT_TRUE(Deliver(dispatcher, *actor, first, kNow).ok());
  v1::RolloutResult second = Answer(request);
  second.set_sequence(1);
  ASSERT_TRUE(Deliver(dispatcher, *actor, second, kNow).ok());
  const std::vector<v1::RolloutAck> acks = actor->Acks();
  ASSERT_EQ(acks.size(), 2u);
  EXPECT_EQ(acks[0].accepted(), 1);
  EXPECT_EQ(acks[1].sequence(), 1u);
  EXPECT_EQ(acks[1].accepted(), 2);
  EXPECT_EQ(acks[1].rejected(), 1);
  EXPECT_EQ(acks[1].reason(), "duplicate");
  EXPECT_EQ(acks[1].detail(), "episode 1 was there already");
}

TEST(Dispatcher, RejectsWhatComesForARemovedOrder) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = Connect(dispatcher, "a");
  const auto order = Episodes(3);
  dispatcher.Start(order, TestSnapshot("expert", 1), kNow);
  dispatcher.Drop(*order);
  ASSERT_TRUE(Deliver(dispatcher, *actor, Answer(actor->Requests().at(0)), kNow).ok());
  ASSERT_EQ(actor->Acks().size(), 1u);
  EXPECT_EQ(actor->Acks()[0].accepted(), 0);
  EXPECT_EQ(actor->Acks()[0].rejected(), 3);
  EXPECT_EQ(actor->Acks()[0].reason(), "surplus");
  EXPECT_EQ(order->prefix(), 0);
}

TEST(Dispatcher, RefusesMalformedResults) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = Connect(dispatcher, "a");
  dispatcher.Start(Episodes(3), TestSnapshot("expert", 1), kNow);
  const v1::RolloutResult good = Answer(actor->Requests().at(0));
  v1::RolloutResult unknown = good;
  unknown.set_request_id(99);
  EXPECT_TRUE(absl::IsInvalidArgument(Deliver(dispatcher, *actor, unknown, kNow)));
  v1::RolloutResult out_of_order = good;
  out_of_order.set_sequence(1);
  EXPECT_TRUE(absl::IsInvalidArgument(Deliver(dispatcher, *actor, out_of_order, kNow)));
  v1::RolloutResult other_version = good;
  other_version.mutable_batch()->set_policy_version(2);
  EXPECT_TRUE(absl::IsInvalidArgument(Deliver(dispatcher, *actor, other_version, kNow)));
  EXPECT_TRUE(absl::IsInvalidArgument(Deliver(dispatcher, *actor, v1::ActorMessage(), kNow)));
  EXPECT_TRUE(actor->Acks().empty());
}

TEST(Dispatcher, FailsTheOrderThatAnActorCannotFulfil) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = Connect(dispatcher, "a");
  const auto order = Episodes(3);
  dispatcher.Start(order, TestSnapshot("expert", 1), kNow);
  v1::ActorMessage message;
  message.mutable_failure()->set_request_id(actor->Requests().at(0).id());
  message.mutable_failure()->set_message("no such environment");
  const absl::Status status = Deliver(dispatcher, *actor, message, kNow);
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(status.message().find("no such environment"), absl::string_view::npos);
  EXPECT_EQ(dispatcher.failed_order(), order.get());
  dispatcher.Drop(*order);
  EXPECT_TRUE(absl::IsInvalidArgument(Deliver(dispatcher, *actor, message, kNow)));
}

TEST(Dispatcher, KnowsWhatAnOrderHasAccepted) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = ConnectKnown(dispatcher, "a");
  const auto first = Episodes(5), second = Episodes(7);
  dispatcher.Start(first, TestSnapshot("expert", 1), kNow);
  dispatcher.Start(second, TestSnapshot("expert", 1), kNow);
  ASSERT_TRUE(Deliver(dispatcher, *actor, Answer(actor->Requests().at(1)), kNow).ok());
  EXPECT_EQ(dispatcher.AcceptedOf(*first), 0);
  EXPECT_EQ(dispatcher.AcceptedOf(*second), 7);
}

TEST(Dispatcher, AResultThatIsNotConfirmedCountsForItsOrderAlone) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = Connect(dispatcher, "a");
  const auto order = Episodes(3);
  dispatcher.Start(order, TestSnapshot("expert", 1), kNow);
  v1::ActorMessage message;
  *message.mutable_result() = Answer(actor->Requests().at(0));
  const auto receipt = dispatcher.ReceiveUnconfirmed(*actor, message, kNow);
  ASSERT_TRUE(receipt.ok() && receipt->has_value());
  EXPECT_EQ(dispatcher.AcceptedOf(*order), 3);
  EXPECT_EQ(dispatcher.accounting().accepted(), 0);
  EXPECT_TRUE(actor->Acks().empty());
  dispatcher.Confirm(**receipt);
  EXPECT_EQ(dispatcher.accounting().accepted(), 3);
  EXPECT_EQ(actor->Acks().size(), 1u);
}

using Rejected = std::map<std::string, int64_t>;

Rejected RejectedOf(const Dispatcher& dispatcher) {
  const auto& rejected = dispatcher.accounting().rejected();
  return Rejected(rejected.begin(), rejected.end());
}

TEST(Dispatcher, AccountsForEveryTrajectoryThatCame) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = Connect(dispatcher, "a");
  const auto order = Episodes(128);
  dispatcher.Start(order, TestSnapshot("expert", 1), kNow);
  v1::RolloutResult part = Answer(actor->Requests().at(0), /*last=*/false);
  *part.mutable_batch() = EpisodeBatch({0, 1, 2}, 20);
  ASSERT_TRUE(Deliver(dispatcher, *actor, part, kNow).ok());
  v1::RolloutResult whole = Answer(actor->Requests().at(0));
  whole.set_sequence(1);
  ASSERT_TRUE(Deliver(dispatcher, *actor, whole, kNow).ok());  // 61 new ones
  const std::vector<v1::RolloutRequest> requests = actor->Requests();
  dispatcher.Drop(*order);
  ASSERT_TRUE(Deliver(dispatcher, *actor, Answer(requests.at(1)), kNow).ok());
  EXPECT_FALSE(Deliver(dispatcher, *actor, Answer(requests.at(1)), kNow).ok());
  dispatcher.Disconnect(*actor, kNow);
  ASSERT_TRUE(Deliver(dispatcher, *actor, part, kNow).ok());
  EXPECT_EQ(dispatcher.accounting().accepted(), 64);
  EXPECT_EQ(RejectedOf(dispatcher), (Rejected{{"duplicate", 3}, {"surplus", 64}, {"malformed", 64}, {"stale", 3}}));
  EXPECT_EQ(dispatcher.accounting().produced(), 64 + 3 + 64 + 64 + 3);
  EXPECT_EQ(dispatcher.accounting().lost(), 0);
  EXPECT_EQ(dispatcher.accounting().in_flight(), 0);
}

TEST(Dispatcher, CountsAllOfARefusedResultAsMalformed) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = Connect(dispatcher, "a");
  dispatcher.Start(Episodes(3), TestSnapshot("expert", 1), kNow);
  v1::RolloutResult bad = Answer(actor->Requests().at(0));
  bad.mutable_batch()->mutable_rewards()->pop_back();
  EXPECT_TRUE(absl::IsInvalidArgument(Deliver(dispatcher, *actor, bad, kNow)));
  v1::RolloutResult incomplete = Answer(actor->Requests().at(0));
  incomplete.set_sequence(1);
  *incomplete.mutable_batch() = EpisodeBatch({0, 1}, 20);
  EXPECT_TRUE(absl::IsInvalidArgument(Deliver(dispatcher, *actor, incomplete, kNow)));
  EXPECT_EQ(RejectedOf(dispatcher), (Rejected{{"malformed", 5}}));
  EXPECT_EQ(dispatcher.accounting().accepted(), 0);
  EXPECT_EQ(dispatcher.accounting().produced(), 5);
}

}  // namespace
}  // namespace understudy
