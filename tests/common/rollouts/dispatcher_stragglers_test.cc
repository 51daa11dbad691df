// Whom a dispatcher fences, when, and whom not.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
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
using ::understudy::testing::FakeActorLink;
using ::understudy::testing::kNow;
using ::understudy::testing::TestSnapshot;

absl::Time At(double seconds) { return kNow + absl::Seconds(seconds); }

// Two actors share an order of ten episodes, a third is idle.
struct ThreeActors {
  ThreeActors() {
    a = Connect(dispatcher, "a");
    b = Connect(dispatcher, "b");
    dispatcher.Start(order, TestSnapshot("expert", 1), kNow);
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
  ASSERT_TRUE(Deliver(test.dispatcher, *other, Answer(other->Requests().at(0)), At(2)).ok());
  EXPECT_EQ(test.dispatcher.next_fencing(), At(10));
  test.dispatcher.FenceStragglers(At(9.9));
  EXPECT_EQ(test.dispatcher.next_fencing(), At(10));
  test.dispatcher.FenceStragglers(At(10));
  EXPECT_FALSE(straggler->closed.has_value());
  EXPECT_EQ(test.dispatcher.next_fencing(), At(11));
  test.dispatcher.FenceStragglers(At(11));
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
    ASSERT_TRUE(Deliver(test.dispatcher, *heir, Answer(request), At(12)).ok());
  }
  EXPECT_TRUE(test.order->done());
  EXPECT_EQ(test.dispatcher.next_fencing(), absl::InfiniteFuture());
}

TEST(Dispatcher, RefusesAFencedWorkerForAWhile) {
  ThreeActors test;
  const auto straggler = test.Holder(0);
  const std::string worker = straggler->hello().worker_id();
  test.dispatcher.FenceStragglers(At(10));
  test.dispatcher.FenceStragglers(At(11));
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
  ASSERT_TRUE(Deliver(test.dispatcher, *other, Answer(other->Requests().at(0)), At(7)).ok());
  EXPECT_EQ(test.dispatcher.next_fencing(), At(28));
  // Three more after the first part: the time since the last result counts.
  const auto straggler = test.Holder(0);
  v1::RolloutResult part = Answer(straggler->Requests().at(0), /*last=*/false);
  *part.mutable_batch() = EpisodeBatch({0}, 20);
  ASSERT_TRUE(Deliver(test.dispatcher, *straggler, part, At(10)).ok());
  EXPECT_EQ(test.dispatcher.next_fencing(), At(10 + 40));
}

TEST(Dispatcher, WaitsForSlowSimulatorsBesides) {
  v1::EnvironmentSpec environment = CartPoleSpec();  // at most 500 steps
  environment.set_step_latency_us(100'000);
  Dispatcher dispatcher(environment);
  dispatcher.Start(Episodes(1), TestSnapshot("expert", 1), At(0));
  Connect(dispatcher, "a", At(0));
  Connect(dispatcher, "b", At(0));
  EXPECT_EQ(dispatcher.next_fencing(), At(50 + 10));
}

TEST(Dispatcher, TakesNoRepetitionForProgress) {
  ThreeActors test;
  const auto straggler = test.Holder(0);
  const auto other = test.Holder(5);
  ASSERT_TRUE(Deliver(test.dispatcher, *other, Answer(other->Requests().at(0)), At(1)).ok());
  v1::RolloutResult part = Answer(straggler->Requests().at(0), /*last=*/false);
  *part.mutable_batch() = EpisodeBatch({0}, 20);
  ASSERT_TRUE(Deliver(test.dispatcher, *straggler, part, At(2)).ok());
  part.set_sequence(1);
  ASSERT_TRUE(Deliver(test.dispatcher, *straggler, part, At(9)).ok());
  EXPECT_EQ(test.dispatcher.next_fencing(), At(12));
}

TEST(Dispatcher, FencesNobodyWhereNobodyCouldTakeOver) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto alone = Connect(dispatcher, "a");
  dispatcher.Start(Episodes(3), TestSnapshot("expert", 1), kNow);
  EXPECT_EQ(dispatcher.next_fencing(), absl::InfiniteFuture());
  dispatcher.FenceStragglers(At(1000));
  dispatcher.FenceStragglers(At(2000));
  EXPECT_FALSE(alone->closed.has_value());
  // With another at work, too: all are slow alike.
  dispatcher.Start(Episodes(2), TestSnapshot("expert", 1), At(2000));
  const auto busy = Connect(dispatcher, "b", At(2000));
  dispatcher.Start(Episodes(2), TestSnapshot("expert", 1), At(2000));
  ASSERT_FALSE(busy->Requests().empty());
  dispatcher.FenceStragglers(At(3000));
  dispatcher.FenceStragglers(At(4000));
  EXPECT_FALSE(alone->closed.has_value());
  EXPECT_FALSE(busy->closed.has_value());
}

TEST(Dispatcher, FencesNobodyForWorkThatIsNoLongerWanted) {
  Dispatcher dispatcher(CartPoleSpec());
  const auto slow = ConnectKnown(dispatcher, "a");
  const auto old = Episodes(1);
  dispatcher.Start(old, TestSnapshot("expert", 1), kNow);
  const auto idle = Connect(dispatcher, "b");
  dispatcher.Drop(*old);
  EXPECT_EQ(dispatcher.next_fencing(), absl::InfiniteFuture());
  // New work waits behind the old from now on, not from its beginning.
  dispatcher.Start(Episodes(160), TestSnapshot("expert", 1), At(60));
  ASSERT_EQ(slow->Requests().size(), 2u);
  for (size_t i = 0; i < idle->Requests().size(); ++i) {
    ASSERT_TRUE(Deliver(dispatcher, *idle, Answer(idle->Requests()[i]), At(61)).ok());
  }
  EXPECT_EQ(dispatcher.next_fencing(), At(70));
}

TEST(Dispatcher, HearsActorsOutAfterItWasStoppedItself) {
  ThreeActors test;
  const auto one = test.Holder(0);
  const auto two = test.Holder(5);
  // The sink slept for an hour; what the actors sent meanwhile is read right after.
  test.dispatcher.FenceStragglers(At(3600));
  EXPECT_FALSE(one->closed.has_value());
  EXPECT_FALSE(two->closed.has_value());
  ASSERT_TRUE(Deliver(test.dispatcher, *one, Answer(one->Requests().at(0)), At(3600.1)).ok());
  ASSERT_TRUE(Deliver(test.dispatcher, *two, Answer(two->Requests().at(0)), At(3600.2)).ok());
  test.dispatcher.FenceStragglers(At(3601));
  EXPECT_TRUE(test.order->done());
  EXPECT_FALSE(one->closed.has_value());
  EXPECT_FALSE(two->closed.has_value());
}

TEST(Dispatcher, LearnsLittleFromTimeInWhichNobodyRan) {
  ThreeActors test;
  const auto one = test.Holder(0);
  const auto two = test.Holder(5);
  test.dispatcher.FenceStragglers(At(3600));
  ASSERT_TRUE(Deliver(test.dispatcher, *two, Answer(two->Requests().at(0)), At(3600.25)).ok());
  v1::RolloutResult part = Answer(one->Requests().at(0), /*last=*/false);
  *part.mutable_batch() = EpisodeBatch({0}, 20);
  ASSERT_TRUE(Deliver(test.dispatcher, *one, part, At(3600.5)).ok());
  // Four times the patience that there was, however many results came late.
  EXPECT_EQ(test.dispatcher.next_fencing(), At(3640.5));
}

TEST(Dispatcher, GrowsMorePatientUntilWorkThatTakesAnybodyLongIsDone) {
  // One episode, which takes fifty seconds whoever plays it, and many actors who could.
  Dispatcher dispatcher(CartPoleSpec());
  std::map<std::string, std::shared_ptr<FakeActorLink>> actors;
  for (const char* id : {"a", "b", "c", "d", "e", "f"}) actors[id] = Connect(dispatcher, id);
  const auto order = Episodes(1);
  dispatcher.Start(order, TestSnapshot("expert", 1), kNow);
  std::shared_ptr<FakeActorLink> player;
  absl::Time asked = kNow;
  absl::Time now = kNow;
  for (int fences = 0; fences < 6 && !order->done(); ++fences) {
    for (const auto& [id, link] : actors) {
      if (!link->closed.has_value() && !link->Requests().empty()) player = link;
    }
    asked = now;
    while (!player->closed.has_value() && !order->done()) {
      now = dispatcher.next_fencing();
      if (now >= asked + absl::Seconds(50)) {
        ASSERT_TRUE(Deliver(dispatcher, *player, Answer(player->Requests().at(0)), asked + absl::Seconds(50)).ok());
      } else {
        dispatcher.FenceStragglers(now);
      }
    }
  }
  EXPECT_TRUE(order->done());
  // Those that waited 11, 21 and 41 seconds are gone, the one that was given 80 has done it.
  EXPECT_EQ(dispatcher.actors(), 3);
}

}  // namespace
}  // namespace understudy
