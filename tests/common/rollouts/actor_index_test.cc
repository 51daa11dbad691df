#include "common/rollouts/actor_index.h"

#include <gtest/gtest.h>

#include "tests/testing/fake_actor_link.h"

namespace understudy {
namespace {

using ::understudy::testing::FakeActorLink;

absl::Time At(int seconds) { return absl::FromUnixSeconds(seconds); }

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
