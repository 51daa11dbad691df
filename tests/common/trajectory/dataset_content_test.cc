#include "common/trajectory/dataset_content.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <vector>

#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

// Owns what a view of one episode refers to.
struct Episode {
  v1::Trajectory trajectory;
  std::vector<float> observations = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  std::vector<int32_t> actions = {1, 0};
  std::vector<float> rewards = {1, 1};
  std::vector<float> log_probs = {-0.5f, -0.25f};
  std::vector<float> logits = {0.5f, -0.5f, 1.5f, 2.5f};
  std::vector<float> values = {3, 4};

  std::string Digest() const {
    return EpisodeDigest({.trajectory = &trajectory,
                          .observations = observations,
                          .actions = std::as_bytes(std::span(actions)),
                          .rewards = rewards,
                          .log_probs = log_probs,
                          .logits = logits,
                          .values = values});
  }
};

Episode EpisodeSeven() {
  Episode episode;
  episode.trajectory.set_episode(7);
  episode.trajectory.set_steps(2);
  episode.trajectory.set_terminated(true);
  return episode;
}

v1::DatasetRecipe Recipe() {
  v1::DatasetRecipe recipe;
  *recipe.mutable_environment() = testing::CartPoleSpec();
  recipe.set_action_mode(v1::ACTION_MODE_SAMPLE);
  recipe.add_record(v1::RECORD_LOGITS);
  recipe.add_record(v1::RECORD_VALUE);
  return recipe;
}

// The expected digests were computed by another program from the documented layout: they are the names of stored
// datasets, and must never change.
TEST(EpisodeDigest, HashesTheDocumentedLayout) {
  Episode episode = EpisodeSeven();
  EXPECT_EQ(ToHex(episode.Digest()), "a09e5980db82ad5674bc8314abf078f34c1f7db818cf36d584114321cdb62a8d");
  episode.logits.clear();
  episode.values.clear();
  EXPECT_EQ(ToHex(episode.Digest()), "f1122c04744f9915b9f96805fd672d07c1dcd89b1ae6ed40cf9906f9ce4ab7eb");
}

TEST(EpisodeDigest, ChangesWithEveryPartOfTheContent) {
  const std::function<void(Episode&)> changes[] = {
      [](Episode& e) { e.trajectory.set_episode(8); },
      [](Episode& e) { e.trajectory.set_terminated(false); },
      [](Episode& e) { e.trajectory.set_truncated(true); },
      [](Episode& e) { e.observations[11] = 0; },
      [](Episode& e) { e.actions[1] = 1; },
      [](Episode& e) { e.rewards[0] = 2; },
      [](Episode& e) { e.log_probs[1] = -1; },
      [](Episode& e) { e.logits[3] = 0; },
      [](Episode& e) { e.values[0] = 0; },
      // The same bytes in a row, divided otherwise.
      [](Episode& e) { e.logits.swap(e.values); },
  };
  const std::string original = EpisodeSeven().Digest();
  for (size_t i = 0; i < std::size(changes); ++i) {
    Episode episode = EpisodeSeven();
    changes[i](episode);
    EXPECT_NE(episode.Digest(), original) << "change " << i;
  }
}

TEST(EpisodeDigest, IsTheSameInWhateverBatchTheEpisodeCame) {
  const v1::EnvironmentSpec spec = testing::CartPoleSpec();
  const v1::TrajectoryBatch alone = testing::EpisodeBatch({5}, 20);
  const v1::TrajectoryBatch among_others = testing::EpisodeBatch({9, 5, 2}, 20, {.policy = "other", .version = 8});
  EXPECT_EQ(EpisodeDigest(ViewTrajectories(alone, spec)[0]), EpisodeDigest(ViewTrajectories(among_others, spec)[1]));
}

TEST(DatasetDigest, HashesTheRecipeAndEveryEpisode) {
  Episode plain = EpisodeSeven();
  plain.logits.clear();
  plain.values.clear();
  DatasetDigest digest(Recipe());
  digest.Add(EpisodeSeven().Digest());
  digest.Add(plain.Digest());
  EXPECT_EQ(ToHex(digest.Finish()), "f3c7d887301eb941cd7463509b479857ede9446cef2a67a8da44c91c037c2646");
}

TEST(DatasetDigest, DependsOnTheContentOfTheRecipeOnly) {
  const std::string digest = DatasetDigest(Recipe()).Finish();

  v1::DatasetRecipe same = Recipe();
  same.set_seed(99);
  same.set_transitions(5000);
  *same.mutable_policy() = testing::TestSnapshot("other", 3)->header;
  EXPECT_EQ(DatasetDigest(same).Finish(), digest);

  std::array<v1::DatasetRecipe, 4> others;
  others.fill(Recipe());
  others[0].mutable_environment()->set_name("CartPole-v0");
  others[1].mutable_environment()->mutable_action_space()->mutable_discrete()->set_n(3);
  others[2].set_action_mode(v1::ACTION_MODE_GREEDY);
  others[3].mutable_record()->RemoveLast();
  for (const v1::DatasetRecipe& other : others) EXPECT_NE(DatasetDigest(other).Finish(), digest);
}

TEST(DatasetDigest, DependsOnTheOrderOfEpisodes) {
  const std::string first(32, 'a');
  const std::string second(32, 'b');
  DatasetDigest ascending(Recipe());
  ascending.Add(first);
  ascending.Add(second);
  DatasetDigest descending(Recipe());
  descending.Add(second);
  descending.Add(first);
  EXPECT_NE(ascending.Finish(), descending.Finish());
}

}  // namespace
}  // namespace understudy
