#include "coordinator/scheduling/actor_sharing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

StageId Stage(const std::string& experiment) { return {.experiment = experiment, .stage = 0}; }
absl::Time At(double seconds) { return absl::UnixEpoch() + absl::Seconds(seconds); }

// Actors "a", "b" …
void AddActors(ActorSharing& sharing, int count) {
  for (int i = 0; i < count; ++i) sharing.AddActor(std::string(1, static_cast<char>('a' + i)));
}

TEST(ActorSharing, GivesStagesNumbersOfActorsThatDifferByOneAtMost) {
  ActorSharing sharing;
  AddActors(sharing, 5);
  sharing.AddStage(Stage("first"), 0, At(0));
  sharing.Share(At(0));
  EXPECT_THAT(sharing.ActorsOf(Stage("first")), SizeIs(5));
  sharing.AddStage(Stage("second"), 0, At(1));
  sharing.Share(At(1));
  EXPECT_THAT(sharing.ActorsOf(Stage("first")), SizeIs(3));
  EXPECT_THAT(sharing.ActorsOf(Stage("second")), SizeIs(2));
}

TEST(ActorSharing, MovesNoMoreActorsThanItMust) {
  ActorSharing sharing;
  AddActors(sharing, 5);
  sharing.AddStage(Stage("first"), 0, At(0));
  sharing.Share(At(0));
  EXPECT_THAT(sharing.TakeChangedActors(), SizeIs(5));
  sharing.AddStage(Stage("second"), 0, At(1));
  sharing.Share(At(1));
  EXPECT_THAT(sharing.TakeChangedActors(), SizeIs(2));
  EXPECT_THAT(sharing.TakeChangedStages(), ElementsAre(Stage("first"), Stage("second")));
}

TEST(ActorSharing, StagesTakeTurnsOfAQuantumWhereThereAreTooFewActors) {
  ActorSharing sharing;
  AddActors(sharing, 1);
  sharing.AddStage(Stage("first"), 0, At(0));
  sharing.AddStage(Stage("second"), 0, At(0));
  sharing.Share(At(0));
  EXPECT_EQ(*sharing.StageOf("a"), Stage("first"));
  EXPECT_EQ(sharing.next_turn(), At(1));
  sharing.Share(At(0.9));
  EXPECT_EQ(*sharing.StageOf("a"), Stage("first"));
  sharing.Share(At(1));
  EXPECT_EQ(*sharing.StageOf("a"), Stage("second"));
  EXPECT_EQ(sharing.next_turn(), At(2));
}

TEST(ActorSharing, NobodyWaitsForATurnWhereEveryStageHasAnActor) {
  ActorSharing sharing;
  AddActors(sharing, 2);
  sharing.AddStage(Stage("first"), 0, At(0));
  sharing.AddStage(Stage("second"), 0, At(0));
  sharing.Share(At(0));
  EXPECT_EQ(sharing.next_turn(), absl::InfiniteFuture());
}

TEST(ActorSharing, FreesTheActorsOfAStageThatIsRemoved) {
  ActorSharing sharing;
  AddActors(sharing, 1);
  sharing.AddStage(Stage("first"), 0, At(0));
  sharing.Share(At(0));
  sharing.RemoveStage(Stage("first"), At(1));
  EXPECT_EQ(sharing.StageOf("a"), nullptr);
  EXPECT_FALSE(sharing.HasStage(Stage("first")));
  EXPECT_THAT(sharing.ActorsOf(Stage("first")), IsEmpty());
  sharing.AddStage(Stage("second"), 0, At(2));
  sharing.Share(At(2));
  EXPECT_EQ(*sharing.StageOf("a"), Stage("second"));
}

TEST(ActorSharing, SharesAStagesActorsOverItsRanks) {
  ActorSharing sharing;
  AddActors(sharing, 2);
  sharing.AddStage(Stage("train"), 2, At(0));
  sharing.Share(At(0));
  EXPECT_THAT(sharing.ActorsOf(Stage("train")), ElementsAre(Pair("a", ElementsAre(0)), Pair("b", ElementsAre(1))));
  sharing.RemoveActor("a", At(1));
  sharing.Share(At(1));
  EXPECT_THAT(sharing.ActorsOf(Stage("train")), ElementsAre(Pair("b", ElementsAre(0, 1))));
}

}  // namespace
}  // namespace understudy
