#include "common/rollouts/connected_actor.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "common/rollouts/episode_order.h"
#include "tests/common/rollouts/fake_actors.h"
#include "tests/testing/fake_actor_link.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using ::understudy::testing::Answer;
using ::understudy::testing::Episodes;
using ::understudy::testing::FakeActorLink;
using ::understudy::testing::TestSnapshot;

absl::Time At(double seconds) { return absl::UnixEpoch() + absl::Seconds(seconds); }

// Asked for requests 1 and 2, the first of one order, the second of another.
struct TwoRequests {
  TwoRequests() {
    for (uint64_t id = 1; id <= 2; ++id) {
      const std::shared_ptr<EpisodeOrder>& order = id == 1 ? first : second;
      v1::RolloutRequest request = order->Next(id, 1).value();
      request.set_id(id);
      actor.Ask(std::move(request), order, TestSnapshot("expert", 1));
    }
  }
  std::shared_ptr<FakeActorLink> link = std::make_shared<FakeActorLink>("a");
  std::shared_ptr<EpisodeOrder> first = Episodes(3);
  std::shared_ptr<EpisodeOrder> second = Episodes(4);
  ConnectedActor actor{link};
};

TEST(ConnectedActor, TakesResultsOfItsRequestsInTheirOrderAlone) {
  TwoRequests test;
  v1::RolloutResult result = Answer(test.link->Requests().at(1));
  result.set_sequence(1);
  EXPECT_EQ(test.actor.NoteResult(result).status(),
            absl::InvalidArgumentError("request 2: found result 1, expected 0"));
  result.set_sequence(0);
  EXPECT_EQ(test.actor.NoteResult(result).value(), test.second);
  result.set_sequence(1);
  EXPECT_EQ(test.actor.NoteResult(result).value(), test.second);
  test.actor.NoteEnd(2);
  result.set_sequence(2);
  EXPECT_EQ(test.actor.NoteResult(result).status(),
            absl::InvalidArgumentError("request 2 is not in flight at this actor"));
}

TEST(ConnectedActor, HasRoomForMoreOnceItHasAnsweredAWholeRequest) {
  TwoRequests test;
  EXPECT_TRUE(test.actor.NoteFailure(1).ok());
  EXPECT_EQ(test.actor.in_flight(), 1u);
  EXPECT_EQ(test.actor.IndexState().in_flight, kRequestsPerActor);
  test.actor.NoteEnd(2);
  EXPECT_EQ(test.actor.IndexState().in_flight, 0u);
}

TEST(ConnectedActor, OwesNothingToOrdersThatAreDroppedOrDone) {
  TwoRequests test;
  test.actor.Drop(*test.first);
  EXPECT_EQ(test.actor.NoteResult(Answer(test.link->Requests().at(0))).value(), nullptr);
  EXPECT_TRUE(test.actor.Owes());
  ASSERT_TRUE(test.second->Accept(Answer(test.link->Requests().at(1))).ok());
  ASSERT_TRUE(test.second->done());
  EXPECT_FALSE(test.actor.Owes());
  EXPECT_FALSE(test.actor.IndexState().owes_since.has_value());
}

TEST(ConnectedActor, GivesItsWorkBack) {
  TwoRequests test;
  EXPECT_EQ(test.first->open(), 0);
  test.actor.Drop(*test.second);
  test.actor.ReleaseRequests();
  EXPECT_EQ(test.first->open(), 3);
  EXPECT_EQ(test.second->open(), 0);
}

TEST(ConnectedActor, IsWaitedForNoLongerThanThePatienceWasWhenThatBegan) {
  TwoRequests test;
  test.actor.RestartClock(At(100), absl::Seconds(10));
  EXPECT_EQ(test.actor.WaitedFor(At(104)), absl::Seconds(4));
  EXPECT_EQ(test.actor.WaitedFor(At(3600)), absl::Seconds(10));
  // Who is more patient by now waits longer all the same.
  EXPECT_EQ(test.actor.Deadline(absl::Seconds(40)), At(140));
}

TEST(ConnectedActor, ItsLastChanceEndsWithTheNextResult) {
  TwoRequests test;
  test.actor.RestartClock(At(0), absl::Seconds(10));
  test.actor.GiveLastChance(At(11));
  EXPECT_EQ(test.actor.Deadline(absl::Seconds(10)), At(11));
  EXPECT_EQ(test.actor.IndexState().last_chance, At(11));
  test.actor.RestartClock(At(10.5), absl::Seconds(10));
  EXPECT_FALSE(test.actor.has_last_chance());
  EXPECT_EQ(test.actor.IndexState().owes_since, At(10.5));
  EXPECT_EQ(test.actor.Deadline(absl::Seconds(10)), At(20.5));
}

ActorIndex::State InFlight(size_t requests) {
  return {.in_flight = requests, .owes_since = std::nullopt, .last_chance = std::nullopt};
}

ActorIndex::State OwesSince(absl::Time since, std::optional<absl::Time> last_chance = std::nullopt) {
  return {.in_flight = 1, .owes_since = since, .last_chance = last_chance};
}

TEST(ActorIndex, FindsRoomAtWhomeverHasLeastToDo) {
  ActorIndex index;
  const FakeActorLink idle("idle"), busy("busy"), full("full");
  EXPECT_EQ(index.WithRoom(), nullptr);
  index.Put(full, InFlight(2));
  EXPECT_EQ(index.WithRoom(), nullptr);
  index.Put(busy, InFlight(1));
  EXPECT_EQ(index.WithRoom(), &busy);
  EXPECT_FALSE(index.AnyIdle());
  index.Put(idle, InFlight(0));
  EXPECT_EQ(index.WithRoom(), &idle);
  EXPECT_TRUE(index.AnyIdle());
}

TEST(ActorIndex, KnowsTheLatestStateOfAnActorAlone) {
  ActorIndex index;
  const FakeActorLink actor("actor");
  index.Put(actor, InFlight(0));
  index.Put(actor, OwesSince(At(1)));
  EXPECT_FALSE(index.AnyIdle());
  EXPECT_EQ(index.OwesLongest(), &actor);
  index.Put(actor, OwesSince(At(1), At(2)));
  EXPECT_EQ(index.OwesLongest(), nullptr);
  EXPECT_EQ(index.LastChanceFirst(), &actor);
  index.Remove(actor);
  index.Remove(actor);
  EXPECT_EQ(index.WithRoom(), nullptr);
  EXPECT_EQ(index.LastChanceFirst(), nullptr);
}

TEST(ActorIndex, FindsWhoHasOwedLongestAndWhoseLastChanceEndsFirst) {
  ActorIndex index;
  const FakeActorLink a("a"), b("b"), c("c"), d("d");
  index.Put(a, OwesSince(At(3)));
  index.Put(b, OwesSince(At(2)));
  index.Put(c, OwesSince(At(1), At(9)));
  index.Put(d, OwesSince(At(0), At(10)));
  EXPECT_EQ(index.OwesLongest(), &b);
  EXPECT_EQ(index.LastChanceFirst(), &c);
}

}  // namespace
}  // namespace understudy
