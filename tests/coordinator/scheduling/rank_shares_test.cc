#include "coordinator/scheduling/rank_shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Ranks = std::map<std::string, std::vector<int>>;

RankShares Of(int ranks, const std::vector<std::string>& actors) {
  RankShares shares(ranks);
  for (const std::string& actor : actors) shares.Add(actor);
  shares.Balance();
  return shares;
}

TEST(RankShares, OneActorServesAllRanks) { EXPECT_EQ(Of(3, {"a"}).ranks(), (Ranks{{"a", {0, 1, 2}}})); }

TEST(RankShares, FewActorsShareTheRanksEvenly) {
  const RankShares shares = Of(5, {"a", "b"});
  EXPECT_THAT(shares.ranks().at("a"), SizeIs(3));
  EXPECT_THAT(shares.ranks().at("b"), SizeIs(2));
}

TEST(RankShares, ManyActorsServeOneRankEach) {
  EXPECT_EQ(Of(2, {"a", "b", "c"}).ranks(), (Ranks{{"a", {0}}, {"b", {1}}, {"c", {0}}}));
}

TEST(RankShares, AStageWithoutLearnersHasNothingToShare) {
  RankShares shares(0);
  shares.Add("a");
  EXPECT_THAT(shares.Balance(), IsEmpty());
  EXPECT_THAT(shares.ranks().at("a"), IsEmpty());
  EXPECT_EQ(shares.Spare(), "a");
}

TEST(RankShares, TheRankOfOneThatWentGoesToOneThatCame) {
  RankShares shares = Of(2, {"a", "b", "c"});
  shares.Remove("b");
  shares.Add("d");
  EXPECT_THAT(shares.Balance(), ElementsAre("d"));
  EXPECT_THAT(shares.ranks().at("d"), ElementsAre(1));
}

TEST(RankShares, AnActorThatLeavesHasItsRanksShared) {
  RankShares shares = Of(4, {"a", "b"});
  const Ranks before = shares.ranks();
  shares.Remove("a");
  EXPECT_THAT(shares.Balance(), ElementsAre("b"));
  EXPECT_THAT(shares.ranks().at("b"), ElementsAre(0, 1, 2, 3));
}

TEST(RankShares, WhoMustChangeAnywayTakesWhatIsLeft) {
  // Two actors serve rank 0; of the others none stays.
  RankShares shares = Of(3, {"a", "b", "c", "d"});
  ASSERT_THAT(shares.ranks().at("d"), ElementsAre(0));
  shares.Remove("b");
  shares.Remove("c");
  EXPECT_THAT(shares.Balance(), ElementsAre("d"));
  EXPECT_EQ(shares.ranks(), (Ranks{{"a", {0}}, {"d", {1, 2}}}));
}

TEST(RankShares, TheSpareActorLeavesTheOthersWhereTheyAre) {
  for (const int actors : {1, 2, 3, 5, 7, 8}) {
    RankShares shares(3);
    for (int i = 0; i < actors; ++i) shares.Add(absl::StrCat(i));
    shares.Balance();
    shares.Remove(std::string(shares.Spare()));
    const size_t moves = shares.Balance().size();
    EXPECT_LE(moves, actors <= 3 && actors > 1 ? 1u : 0u) << actors;
  }
}

// The fewest of the actors that must move where so many serve each rank, and some are new.
size_t FewestMoves(std::vector<size_t> counts, size_t actors) {
  std::sort(counts.rbegin(), counts.rend());
  size_t stay = 0;
  size_t placed = 0;
  for (size_t rank = 0; rank < counts.size(); ++rank) {
    placed += counts[rank];
    stay += std::min(counts[rank], actors / counts.size() + (rank < actors % counts.size() ? 1 : 0));
  }
  return placed - stay;
}

class RandomRankShares : public ::testing::TestWithParam<int> {};

TEST_P(RandomRankShares, StayEvenAndMoveNobodyWithoutNeed) {
  const int ranks = GetParam();
  std::minstd_rand random(ranks);
  RankShares shares(ranks);
  for (int round = 0; round < 2'000; ++round) {
    const Ranks before = shares.ranks();
    std::set<std::string> added;
    for (unsigned change = 0; change <= random() % 6; ++change) {
      const std::string actor = absl::StrCat(random() % 20);
      if (shares.ranks().contains(actor)) {
        shares.Remove(actor);
        added.erase(actor);
      } else {
        shares.Add(actor);
        added.insert(actor);
      }
    }
    std::vector<size_t> stayed(ranks);
    bool one_each = true;
    for (const auto& [actor, served] : shares.ranks()) {
      for (const int rank : served) ++stayed[rank];
      one_each &= served.size() <= 1;
    }
    const std::set<std::string> changed = shares.Balance();
    std::vector<size_t> actors_of(ranks);
    size_t fewest = ranks;
    size_t most = 0;
    size_t moved = 0;
    for (const auto& [actor, served] : shares.ranks()) {
      for (const int rank : served) ++actors_of[rank];
      EXPECT_TRUE(std::is_sorted(served.begin(), served.end()));
      fewest = std::min(fewest, served.size());
      most = std::max(most, served.size());
      const auto earlier = before.find(actor);
      const bool same = !added.contains(actor) && earlier != before.end() && earlier->second == served;
      EXPECT_TRUE(same || changed.contains(actor)) << actor;
      moved += !same && !added.contains(actor);
    }
    if (shares.empty()) continue;
    const auto [low, high] = std::minmax_element(actors_of.begin(), actors_of.end());
    EXPECT_GE(*low, 1u);
    EXPECT_LE(*high, *low + 1);
    EXPECT_GE(fewest, 1u);
    EXPECT_LE(most, fewest + 1);
    if (shares.size() < actors_of.size()) {
      EXPECT_EQ(*high, 1u);
    } else {
      EXPECT_EQ(most, 1u);
      EXPECT_TRUE(!one_each || moved == FewestMoves(stayed, shares.size())) << moved;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, RandomRankShares, ::testing::Values(1, 2, 3, 8, 15),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace understudy
