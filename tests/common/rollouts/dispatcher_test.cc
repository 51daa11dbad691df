#include "common/rollouts/dispatcher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/rollouts/episode_order.h"
#include "common/rollouts/segment_order.h"
#include "common/rpc/protocol.h"
#include "tests/testing/fake_actor_link.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using ::understudy::testing::CartPoleSpec;
using ::understudy::testing::EpisodeBatch;
using ::understudy::testing::ExpectationOf;
using ::understudy::testing::FakeActorLink;
using ::understudy::testing::TestSnapshot;

// When nothing depends on the time.
constexpr absl::Time kNow = absl::UnixEpoch();

std::shared_ptr<FakeActorLink> Connect(Dispatcher& dispatcher, const std::string& worker_id, absl::Time now = kNow) {
  auto link = std::make_shared<FakeActorLink>(worker_id);
  const absl::Status status = dispatcher.Connect(link, now);
  EXPECT_TRUE(status.ok()) << status;
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

// One that has answered before: it may be asked for more than it has in hand.
std::shared_ptr<FakeActorLink> ConnectKnown(Dispatcher& dispatcher, const std::string& worker_id) {
  const auto link = Connect(dispatcher, worker_id);
  const auto order = Episodes(1, 77);
  dispatcher.Add(order, TestSnapshot("expert", 77), kNow);
  EXPECT_TRUE(dispatcher.Receive(*link, Answer(link->Requests().at(0)), kNow).ok());
  dispatcher.Remove(*order);
  link->sent.clear();
  return link;
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
  dispatcher.Add(Episodes(200), TestSnapshot("expert", 1), kNow);
  // Header and one chunk of parameters.
  EXPECT_EQ(Kinds(*actor), "hppr");
  ASSERT_TRUE(dispatcher.Receive(*actor, Answer(actor->Requests()[0]), kNow).ok());
  EXPECT_EQ(Kinds(*actor), "hpprarr");  // two requests in flight
}

TEST(Dispatcher, SendsAPolicyAgainThatTheActorHasDropped) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = Connect(dispatcher, "a");
  const auto run = [&](int64_t version) {
    actor->sent.clear();
    const auto order = Episodes(1, version);
    dispatcher.Add(order, TestSnapshot("expert", version), kNow);
    const std::string kinds = Kinds(*actor);
    EXPECT_TRUE(dispatcher.Receive(*actor, Answer(actor->Requests().at(0)), kNow).ok());
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

TEST(Dispatcher, WhatRunsInTheBackgroundHoldsTheRestUpForOneRequestAtMost) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = ConnectKnown(dispatcher, "a");
  dispatcher.Add(Episodes(300, 1), TestSnapshot("expert", 1), kNow, /*background=*/true);
  ASSERT_EQ(actor->Requests().size(), 1u);  // and not a second one to go on with
  dispatcher.Add(Episodes(100, 2), TestSnapshot("expert", 2), kNow);
  ASSERT_EQ(actor->Requests().size(), 2u);
  EXPECT_EQ(actor->Requests()[1].policy_version(), 2);
  ASSERT_TRUE(dispatcher.Receive(*actor, Answer(actor->Requests()[0]), kNow).ok());
  ASSERT_EQ(actor->Requests().size(), 3u);
  EXPECT_EQ(actor->Requests()[2].policy_version(), 2);  // though the other order is older
  ASSERT_TRUE(dispatcher.Receive(*actor, Answer(actor->Requests()[1]), kNow).ok());
  ASSERT_TRUE(dispatcher.Receive(*actor, Answer(actor->Requests()[2]), kNow).ok());
  ASSERT_EQ(actor->Requests().size(), 4u);
  EXPECT_EQ(actor->Requests()[3].policy_version(), 1);
}

TEST(Dispatcher, KnowsWhatAnOrderHasAccepted) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = ConnectKnown(dispatcher, "a");
  const auto first = Episodes(5), second = Episodes(7);
  dispatcher.Add(first, TestSnapshot("expert", 1), kNow);
  dispatcher.Add(second, TestSnapshot("expert", 1), kNow);
  ASSERT_TRUE(dispatcher.Receive(*actor, Answer(actor->Requests().at(1)), kNow).ok());
  EXPECT_EQ(dispatcher.AcceptedOf(*first), 0);
  EXPECT_EQ(dispatcher.AcceptedOf(*second), 7);
}

TEST(Dispatcher, SharesAnOrderEvenlyAmongTheActorsThatAreThere) {
  Dispatcher dispatcher(CartPoleSpec());
  std::vector<std::shared_ptr<FakeActorLink>> actors;
  for (const char* id : {"a", "b", "c"}) actors.push_back(Connect(dispatcher, id));
  const auto order =
      std::make_shared<SegmentOrder>(SegmentOrderOptions{.expectation = ExpectationOf({}), .slots = 16, .steps = 8});
  dispatcher.Add(order, TestSnapshot("expert", 1), kNow);
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
  dispatcher.Add(Episodes(4 * kInferenceWidth), TestSnapshot("expert", 1), kNow);
  std::vector<std::shared_ptr<FakeActorLink>> actors;
  for (const char* id : {"a", "b", "c", "d"}) actors.push_back(Connect(dispatcher, id));
  EXPECT_EQ(RequestsOfEach(actors), std::vector<size_t>(4, 1));
}

TEST(Dispatcher, QueuesNothingAtOneThatOthersWouldWaitFor) {
  Dispatcher dispatcher(CartPoleSpec());
  std::vector<std::shared_ptr<FakeActorLink>> actors;
  for (const char* id : {"a", "b", "c", "d"}) actors.push_back(Connect(dispatcher, id));
  const auto order = Episodes(12 * kInferenceWidth);
  dispatcher.Add(order, TestSnapshot("expert", 1), kNow);
  // All are equally fast: at each wave's end everybody has had as many requests as the others.
  for (size_t wave = 0; wave < 3; ++wave) {
    for (const auto& actor : actors) {
      ASSERT_TRUE(dispatcher.Receive(*actor, Answer(actor->Requests().at(wave)), kNow).ok());
    }
  }
  EXPECT_EQ(RequestsOfEach(actors), std::vector<size_t>(4, 3));
  EXPECT_TRUE(order->done());
}

TEST(Dispatcher, AsksOthersForWhatAnActorTookWithIt) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto a = Connect(dispatcher, "a");
  const auto order = Episodes(10);
  dispatcher.Add(order, TestSnapshot("expert", 1), kNow);
  const auto b = Connect(dispatcher, "b");
  ASSERT_TRUE(b->Requests().empty());
  dispatcher.Disconnect(*a, kNow);
  EXPECT_EQ(dispatcher.actors(), 1);
  ASSERT_EQ(b->Requests().size(), 1u);
  ASSERT_TRUE(dispatcher.Receive(*b, Answer(b->Requests()[0]), kNow).ok());
  EXPECT_TRUE(order->done());
  // What the lost one still says counts for nothing.
  EXPECT_TRUE(dispatcher.Receive(*a, Answer(a->Requests()[0]), kNow).ok());
  EXPECT_TRUE(a->Acks().empty());
}

TEST(Dispatcher, ReplacesTheLinkOfAWorkerThatComesAgain) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto before = Connect(dispatcher, "a");
  dispatcher.Add(Episodes(10), TestSnapshot("expert", 1), kNow);
  const auto after = Connect(dispatcher, "a");
  ASSERT_TRUE(before->closed.has_value());
  EXPECT_TRUE(absl::IsAborted(*before->closed));
  EXPECT_EQ(dispatcher.actors(), 1);
  EXPECT_EQ(after->Requests().size(), 1u);
  dispatcher.Disconnect(*before, kNow);
  EXPECT_EQ(dispatcher.actors(), 1);
}

TEST(Dispatcher, AcknowledgesWhatCountsAndWhatDoesNot) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = Connect(dispatcher, "a");
  const auto order = Episodes(3);
  dispatcher.Add(order, TestSnapshot("expert", 1), kNow);
  const v1::RolloutRequest request = actor->Requests().at(0);
  v1::RolloutResult first = Answer(request, /*last=*/false);
  *first.mutable_batch() = EpisodeBatch({1}, 20);
  ASSERT_TRUE(dispatcher.Receive(*actor, first, kNow).ok());
  v1::RolloutResult second = Answer(request);
  second.set_sequence(1);
  ASSERT_TRUE(dispatcher.Receive(*actor, second, kNow).ok());
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
  dispatcher.Add(order, TestSnapshot("expert", 1), kNow);
  dispatcher.Remove(*order);
  ASSERT_TRUE(dispatcher.Receive(*actor, Answer(actor->Requests().at(0)), kNow).ok());
  ASSERT_EQ(actor->Acks().size(), 1u);
  EXPECT_EQ(actor->Acks()[0].accepted(), 0);
  EXPECT_EQ(actor->Acks()[0].rejected(), 3);
  EXPECT_EQ(actor->Acks()[0].reason(), "surplus");
  EXPECT_EQ(order->prefix(), 0);
}

TEST(Dispatcher, ServesTheOldestOrderFirst) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = ConnectKnown(dispatcher, "a");
  dispatcher.Add(Episodes(10, 1), TestSnapshot("expert", 1), kNow);
  dispatcher.Add(Episodes(10, 2), TestSnapshot("expert", 2), kNow);
  const std::vector<v1::RolloutRequest> requests = actor->Requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].policy_version(), 1);
  EXPECT_EQ(requests[1].policy_version(), 2);
  EXPECT_NE(requests[0].id(), requests[1].id());
}

TEST(Dispatcher, RefusesMalformedResults) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = Connect(dispatcher, "a");
  dispatcher.Add(Episodes(3), TestSnapshot("expert", 1), kNow);
  const v1::RolloutResult good = Answer(actor->Requests().at(0));
  v1::RolloutResult unknown = good;
  unknown.set_request_id(99);
  EXPECT_TRUE(absl::IsInvalidArgument(dispatcher.Receive(*actor, unknown, kNow)));
  v1::RolloutResult out_of_order = good;
  out_of_order.set_sequence(1);
  EXPECT_TRUE(absl::IsInvalidArgument(dispatcher.Receive(*actor, out_of_order, kNow)));
  v1::RolloutResult other_version = good;
  other_version.mutable_batch()->set_policy_version(2);
  EXPECT_TRUE(absl::IsInvalidArgument(dispatcher.Receive(*actor, other_version, kNow)));
  EXPECT_TRUE(absl::IsInvalidArgument(dispatcher.Receive(*actor, v1::ActorMessage(), kNow)));
  EXPECT_TRUE(actor->Acks().empty());
}

TEST(Dispatcher, FailsTheOrderThatAnActorCannotFulfil) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = Connect(dispatcher, "a");
  const auto order = Episodes(3);
  dispatcher.Add(order, TestSnapshot("expert", 1), kNow);
  v1::ActorMessage message;
  message.mutable_failure()->set_request_id(actor->Requests().at(0).id());
  message.mutable_failure()->set_message("no such environment");
  const absl::Status status = dispatcher.Receive(*actor, message, kNow);
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(status.message().find("no such environment"), absl::string_view::npos);
  dispatcher.Remove(*order);
  EXPECT_TRUE(absl::IsInvalidArgument(dispatcher.Receive(*actor, message, kNow)));
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

using Rejected = std::map<std::string, int64_t>;

Rejected RejectedOf(const Dispatcher& dispatcher) {
  const auto& rejected = dispatcher.accounting().rejected();
  return Rejected(rejected.begin(), rejected.end());
}

TEST(Dispatcher, AccountsForEveryTrajectoryThatCame) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = Connect(dispatcher, "a");
  const auto order = Episodes(128);
  dispatcher.Add(order, TestSnapshot("expert", 1), kNow);
  v1::RolloutResult part = Answer(actor->Requests().at(0), /*last=*/false);
  *part.mutable_batch() = EpisodeBatch({0, 1, 2}, 20);
  ASSERT_TRUE(dispatcher.Receive(*actor, part, kNow).ok());
  v1::RolloutResult whole = Answer(actor->Requests().at(0));
  whole.set_sequence(1);
  ASSERT_TRUE(dispatcher.Receive(*actor, whole, kNow).ok());  // 61 new ones
  const std::vector<v1::RolloutRequest> requests = actor->Requests();
  dispatcher.Remove(*order);
  ASSERT_TRUE(dispatcher.Receive(*actor, Answer(requests.at(1)), kNow).ok());
  EXPECT_FALSE(dispatcher.Receive(*actor, Answer(requests.at(1)), kNow).ok());
  dispatcher.Disconnect(*actor, kNow);
  ASSERT_TRUE(dispatcher.Receive(*actor, part, kNow).ok());
  EXPECT_EQ(dispatcher.accounting().accepted(), 64);
  EXPECT_EQ(RejectedOf(dispatcher), (Rejected{{"duplicate", 3}, {"surplus", 64}, {"malformed", 64}, {"stale", 3}}));
  EXPECT_EQ(dispatcher.accounting().produced(), 64 + 3 + 64 + 64 + 3);
  EXPECT_EQ(dispatcher.accounting().lost(), 0);
  EXPECT_EQ(dispatcher.accounting().in_flight(), 0);
}

TEST(Dispatcher, CountsAllOfARefusedResultAsMalformed) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto actor = Connect(dispatcher, "a");
  dispatcher.Add(Episodes(3), TestSnapshot("expert", 1), kNow);
  v1::RolloutResult bad = Answer(actor->Requests().at(0));
  bad.mutable_batch()->mutable_rewards()->pop_back();
  EXPECT_TRUE(absl::IsInvalidArgument(dispatcher.Receive(*actor, bad, kNow)));
  v1::RolloutResult incomplete = Answer(actor->Requests().at(0));
  incomplete.set_sequence(1);
  *incomplete.mutable_batch() = EpisodeBatch({0, 1}, 20);
  EXPECT_TRUE(absl::IsInvalidArgument(dispatcher.Receive(*actor, incomplete, kNow)));
  EXPECT_EQ(RejectedOf(dispatcher), (Rejected{{"malformed", 5}}));
  EXPECT_EQ(dispatcher.accounting().accepted(), 0);
  EXPECT_EQ(dispatcher.accounting().produced(), 5);
}

absl::Time At(double seconds) { return kNow + absl::Seconds(seconds); }

// Two actors share an order of ten episodes, a third is idle.
struct ThreeActors {
  ThreeActors() {
    a = Connect(dispatcher, "a");
    b = Connect(dispatcher, "b");
    dispatcher.Add(order, TestSnapshot("expert", 1), kNow);
    c = Connect(dispatcher, "c");
  }
  // Whichever was asked first: a or b, who got five episodes each.
  std::shared_ptr<FakeActorLink> Holder(int64_t episode) {
    return a->Requests().at(0).episodes().begin() == episode ? a : b;
  }

  Dispatcher dispatcher{CartPoleSpec()};
  std::shared_ptr<EpisodeOrder> order = Episodes(10);
  std::shared_ptr<FakeActorLink> a, b, c;
};

TEST(Dispatcher, FencesAStragglerAndGivesItsWorkToTheIdle) {
  ThreeActors test;
  const auto straggler = test.Holder(0);
  const auto other = test.Holder(5);
  ASSERT_TRUE(test.c->Requests().empty());
  ASSERT_TRUE(test.dispatcher.Receive(*other, Answer(other->Requests().at(0)), At(2)).ok());
  EXPECT_EQ(test.dispatcher.next_expiry(), At(10));
  test.dispatcher.Expire(At(9.9));
  EXPECT_EQ(test.dispatcher.next_expiry(), At(10));
  test.dispatcher.Expire(At(10));
  EXPECT_FALSE(straggler->closed.has_value());
  EXPECT_EQ(test.dispatcher.next_expiry(), At(11));
  test.dispatcher.Expire(At(11));
  ASSERT_TRUE(straggler->closed.has_value());
  EXPECT_EQ(*straggler->closed, absl::AbortedError(absl::StrCat(
                                    "worker '", straggler->hello().worker_id(), "' is fenced: nothing of request ",
                                    straggler->Requests()[0].id(), " came for 11s, its work goes to others")));
  EXPECT_EQ(test.dispatcher.actors(), 2);
  // Its five episodes are shared by the two who are there.
  std::vector<std::shared_ptr<FakeActorLink>> heirs = {test.c, other};
  for (const auto& heir : heirs) {
    const v1::RolloutRequest request = heir->Requests().back();
    EXPECT_LT(request.episodes().begin(), 5);
    ASSERT_TRUE(test.dispatcher.Receive(*heir, Answer(request), At(12)).ok());
  }
  EXPECT_TRUE(test.order->done());
  EXPECT_EQ(test.dispatcher.next_expiry(), absl::InfiniteFuture());
}

TEST(Dispatcher, RefusesAFencedWorkerForAWhile) {
  ThreeActors test;
  const auto straggler = test.Holder(0);
  const std::string worker = straggler->hello().worker_id();
  test.dispatcher.Expire(At(10));
  test.dispatcher.Expire(At(11));
  ASSERT_TRUE(straggler->closed.has_value() || test.Holder(5)->closed.has_value());
  const std::string fenced = straggler->closed.has_value() ? worker : test.Holder(5)->hello().worker_id();
  const auto again = std::make_shared<FakeActorLink>(fenced);
  const absl::Status refused = test.dispatcher.Connect(again, At(15));
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_NE(refused.message().find("refused for 6s more"), absl::string_view::npos) << refused;
  EXPECT_TRUE(again->sent.empty());
  EXPECT_TRUE(test.dispatcher.Connect(again, At(21)).ok());
  EXPECT_FALSE(again->sent.empty());
}

TEST(Dispatcher, LearnsFromResultsHowLongTheyTake) {
  ThreeActors test;
  const auto other = test.Holder(5);
  // Seven seconds for one result: four times that is waited for others.
  ASSERT_TRUE(test.dispatcher.Receive(*other, Answer(other->Requests().at(0)), At(7)).ok());
  EXPECT_EQ(test.dispatcher.next_expiry(), At(28));
  // Three more after the first part: the time since the last result counts.
  const auto straggler = test.Holder(0);
  v1::RolloutResult part = Answer(straggler->Requests().at(0), /*last=*/false);
  *part.mutable_batch() = EpisodeBatch({0}, 20);
  ASSERT_TRUE(test.dispatcher.Receive(*straggler, part, At(10)).ok());
  EXPECT_EQ(test.dispatcher.next_expiry(), At(10 + 40));
}

TEST(Dispatcher, WaitsForSlowSimulatorsBesides) {
  v1::EnvironmentSpec environment = CartPoleSpec();  // at most 500 steps
  environment.set_step_latency_us(100'000);
  Dispatcher dispatcher(environment);
  dispatcher.Add(Episodes(1), TestSnapshot("expert", 1), At(0));
  Connect(dispatcher, "a", At(0));
  Connect(dispatcher, "b", At(0));
  EXPECT_EQ(dispatcher.next_expiry(), At(50 + 10));
}

TEST(Dispatcher, TakesNoRepetitionForProgress) {
  ThreeActors test;
  const auto straggler = test.Holder(0);
  const auto other = test.Holder(5);
  ASSERT_TRUE(test.dispatcher.Receive(*other, Answer(other->Requests().at(0)), At(1)).ok());
  v1::RolloutResult part = Answer(straggler->Requests().at(0), /*last=*/false);
  *part.mutable_batch() = EpisodeBatch({0}, 20);
  ASSERT_TRUE(test.dispatcher.Receive(*straggler, part, At(2)).ok());
  part.set_sequence(1);
  ASSERT_TRUE(test.dispatcher.Receive(*straggler, part, At(9)).ok());
  EXPECT_EQ(test.dispatcher.next_expiry(), At(12));
}

TEST(Dispatcher, FencesNobodyWhereNobodyCouldTakeOver) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto alone = Connect(dispatcher, "a");
  dispatcher.Add(Episodes(3), TestSnapshot("expert", 1), kNow);
  EXPECT_EQ(dispatcher.next_expiry(), absl::InfiniteFuture());
  dispatcher.Expire(At(1000));
  dispatcher.Expire(At(2000));
  EXPECT_FALSE(alone->closed.has_value());
  // With another at work, too: all are slow alike.
  dispatcher.Add(Episodes(2), TestSnapshot("expert", 1), At(2000));
  const auto busy = Connect(dispatcher, "b", At(2000));
  dispatcher.Add(Episodes(2), TestSnapshot("expert", 1), At(2000));
  ASSERT_FALSE(busy->Requests().empty());
  dispatcher.Expire(At(3000));
  dispatcher.Expire(At(4000));
  EXPECT_FALSE(alone->closed.has_value());
  EXPECT_FALSE(busy->closed.has_value());
}

TEST(Dispatcher, FencesNobodyForWorkThatIsNoLongerWanted) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto slow = ConnectKnown(dispatcher, "a");
  const auto old = Episodes(1);
  dispatcher.Add(old, TestSnapshot("expert", 1), kNow);
  const auto idle = Connect(dispatcher, "b");
  dispatcher.Remove(*old);
  EXPECT_EQ(dispatcher.next_expiry(), absl::InfiniteFuture());
  // New work waits behind the old from now on, not from its beginning.
  dispatcher.Add(Episodes(160), TestSnapshot("expert", 1), At(60));
  ASSERT_EQ(slow->Requests().size(), 2u);
  for (size_t i = 0; i < idle->Requests().size(); ++i) {
    ASSERT_TRUE(dispatcher.Receive(*idle, Answer(idle->Requests()[i]), At(61)).ok());
  }
  EXPECT_EQ(dispatcher.next_expiry(), At(70));
}

TEST(Dispatcher, HearsActorsOutAfterItWasStoppedItself) {
  ThreeActors test;
  const auto one = test.Holder(0);
  const auto two = test.Holder(5);
  // The sink slept for an hour; what the actors sent meanwhile is read right after.
  test.dispatcher.Expire(At(3600));
  EXPECT_FALSE(one->closed.has_value());
  EXPECT_FALSE(two->closed.has_value());
  ASSERT_TRUE(test.dispatcher.Receive(*one, Answer(one->Requests().at(0)), At(3600.1)).ok());
  ASSERT_TRUE(test.dispatcher.Receive(*two, Answer(two->Requests().at(0)), At(3600.2)).ok());
  test.dispatcher.Expire(At(3601));
  EXPECT_TRUE(test.order->done());
  EXPECT_FALSE(one->closed.has_value());
  EXPECT_FALSE(two->closed.has_value());
}

TEST(Dispatcher, LearnsLittleFromTimeInWhichNobodyRan) {
  ThreeActors test;
  const auto one = test.Holder(0);
  const auto two = test.Holder(5);
  test.dispatcher.Expire(At(3600));
  ASSERT_TRUE(test.dispatcher.Receive(*two, Answer(two->Requests().at(0)), At(3600.25)).ok());
  v1::RolloutResult part = Answer(one->Requests().at(0), /*last=*/false);
  *part.mutable_batch() = EpisodeBatch({0}, 20);
  ASSERT_TRUE(test.dispatcher.Receive(*one, part, At(3600.5)).ok());
  // Four times the patience that there was, however many results came late.
  EXPECT_EQ(test.dispatcher.next_expiry(), At(3640.5));
}

TEST(Dispatcher, GrowsMorePatientUntilWorkThatTakesAnybodyLongIsDone) {
  // One episode, which takes fifty seconds whoever plays it, and many actors who could.
  Dispatcher dispatcher(CartPoleSpec());
  std::map<std::string, std::shared_ptr<FakeActorLink>> actors;
  for (const char* id : {"a", "b", "c", "d", "e", "f"}) actors[id] = Connect(dispatcher, id);
  const auto order = Episodes(1);
  dispatcher.Add(order, TestSnapshot("expert", 1), kNow);
  std::shared_ptr<FakeActorLink> player;
  absl::Time asked = kNow;
  absl::Time now = kNow;
  for (int fences = 0; fences < 6 && !order->done(); ++fences) {
    for (const auto& [id, link] : actors) {
      if (!link->closed.has_value() && !link->Requests().empty()) player = link;
    }
    asked = now;
    while (!player->closed.has_value() && !order->done()) {
      now = dispatcher.next_expiry();
      if (now >= asked + absl::Seconds(50)) {
        ASSERT_TRUE(dispatcher.Receive(*player, Answer(player->Requests().at(0)), asked + absl::Seconds(50)).ok());
      } else {
        dispatcher.Expire(now);
      }
    }
  }
  EXPECT_TRUE(order->done());
  // Those that waited 11, 21 and 41 seconds are gone, the one that was given 80 has done it.
  EXPECT_EQ(dispatcher.actors(), 3);
}

}  // namespace
}  // namespace understudy
