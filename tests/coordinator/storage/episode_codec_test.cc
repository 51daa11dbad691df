#include "coordinator/storage/episode_codec.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/coordinator/storage/stored_content.h"

namespace understudy::testing {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::HasSubstr;

EncodedEpisode Encode(int64_t number, int64_t steps, const BatchOptions& options = {}) {
  const v1::DatasetRecipe recipe = Recipe(options);
  const v1::TrajectoryBatch batch = EpisodeBatch({number}, steps, options);
  return EpisodeEncoder(recipe).Encode(ViewTrajectories(batch, CartPoleSpec()).front()).value();
}

absl::StatusOr<v1::TrajectoryBatch> Decode(const EncodedEpisode& episode, const BatchOptions& options = {}) {
  const v1::DatasetRecipe recipe = Recipe(options);
  return EpisodeDecoder(recipe).Decode(episode);
}

std::string Compress(const std::string& bytes) {
  std::string compressed(ZSTD_compressBound(bytes.size()), '\0');
  compressed.resize(ZSTD_compress(compressed.data(), compressed.size(), bytes.data(), bytes.size(), 1));
  return compressed;
}

TEST(EpisodeCodec, WhatIsAskedForOftenStandsBesideTheContent) {
  const EncodedEpisode episode = Encode(41, 500);
  EXPECT_EQ(episode.number, 41);
  EXPECT_EQ(episode.steps, 500);
  EXPECT_EQ(episode.undiscounted_return, 500);
  EXPECT_FALSE(episode.terminated);
  EXPECT_TRUE(episode.truncated);
  EXPECT_EQ(episode.digest.size(), 32u);
}

TEST(EpisodeCodec, DecodesToWhatWasEncoded) {
  for (const bool record : {false, true}) {
    const BatchOptions options{.record = record};
    EXPECT_TRUE(
        MessageDifferencer::Equals(Decode(Encode(3, 20, options), options).value(), EpisodeBatch({3}, 20, options)));
  }
}

TEST(EpisodeCodec, OneEncoderEncodesManyAsManyEncoders) {
  const v1::DatasetRecipe recipe = Recipe();
  EpisodeEncoder encoder(recipe);
  // From long to short and back: nothing of the one may be left in the next.
  for (const int64_t steps : {300, 1, 200, 500}) {
    const v1::TrajectoryBatch batch = EpisodeBatch({steps}, steps);
    const EncodedEpisode episode = encoder.Encode(ViewTrajectories(batch, CartPoleSpec()).front()).value();
    EXPECT_EQ(episode.content, Encode(steps, steps).content);
    EXPECT_TRUE(MessageDifferencer::Equals(Decode(episode).value(), batch));
  }
}

TEST(EpisodeCodec, EveryFlippedByteIsFound) {
  const EncodedEpisode intact = Encode(3, 5);
  for (size_t i = 0; i < intact.content.size(); ++i) {
    EncodedEpisode damaged = intact;
    damaged.content[i] = static_cast<char>(damaged.content[i] ^ 0x10);
    const absl::StatusOr<v1::TrajectoryBatch> decoded = Decode(damaged);
    // A few bits of the frame's header mean nothing; then the content is as it was.
    if (decoded.ok()) {
      EXPECT_TRUE(MessageDifferencer::Equals(*decoded, EpisodeBatch({3}, 5))) << "byte " << i;
    } else {
      EXPECT_EQ(decoded.status().code(), absl::StatusCode::kDataLoss) << "byte " << i;
    }
  }
}

TEST(EpisodeCodec, EveryTruncationIsFound) {
  const EncodedEpisode intact = Encode(3, 5);
  for (size_t size = 0; size < intact.content.size(); ++size) {
    EncodedEpisode damaged = intact;
    damaged.content.resize(size);
    EXPECT_EQ(Decode(damaged).status().code(), absl::StatusCode::kDataLoss) << size << " bytes";
  }
}

TEST(EpisodeCodec, AFrameThatWouldFillTheMemoryIsRefusedUnopened) {
  EncodedEpisode bomb = Encode(3, 5);
  bomb.content = Compress(std::string(size_t{65} << 20, '\0'));
  const absl::Status status = Decode(bomb).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("acceptable size"));
  EXPECT_EQ(DecompressedBytes(bomb), static_cast<int64_t>(bomb.content.size()));
}

TEST(EpisodeCodec, ContentThatIsSoundButNotThisEpisodeIsFound) {
  EncodedEpisode episode = Encode(3, 5);
  episode.content = Encode(4, 5).content;
  EXPECT_THAT(std::string(Decode(episode).status().message()), HasSubstr("episode 4"));

  episode = Encode(3, 5);
  episode.digest = Encode(4, 5).digest;
  EXPECT_THAT(std::string(Decode(episode).status().message()), HasSubstr("digest"));

  episode = Encode(3, 5);
  episode.undiscounted_return = 6;
  EXPECT_THAT(std::string(Decode(episode).status().message()), HasSubstr("return"));

  episode = Encode(3, 5);
  episode.truncated = true;
  EXPECT_THAT(std::string(Decode(episode).status().message()), HasSubstr("truncated"));

  episode = Encode(3, 5);
  episode.content = Compress(EpisodeBatch({3, 4}, 5).SerializeAsString());
  EXPECT_THAT(std::string(Decode(episode).status().message()), HasSubstr("2 trajectories"));

  episode = Encode(3, 5);
  episode.content = Compress("\xff\xff not a message");
  EXPECT_EQ(Decode(episode).status().code(), absl::StatusCode::kDataLoss);
}

// The digest is over the columns, numbers and flags alone: each of these rows has the right one.
TEST(EpisodeCodec, ContentThatIsNoWholeEpisodeIsFound) {
  const auto decode_changed = [](void (*change)(v1::Trajectory&)) {
    const v1::DatasetRecipe recipe = Recipe({});
    v1::TrajectoryBatch batch = EpisodeBatch({3}, 20);
    change(*batch.mutable_trajectories(0));
    const EncodedEpisode row = EpisodeEncoder(recipe).Encode(ViewTrajectories(batch, CartPoleSpec()).front()).value();
    return Decode(row).status();
  };
  EXPECT_TRUE(decode_changed([](v1::Trajectory&) {}).ok());
  EXPECT_THAT(decode_changed([](v1::Trajectory& t) { t.set_slot(7); }).ToString(),
              HasSubstr("DATA_LOSS: holds no whole episode: slot 7"));
  EXPECT_THAT(decode_changed([](v1::Trajectory& t) { t.set_first_step(1); }).ToString(),
              HasSubstr("DATA_LOSS: holds no whole episode: slot 0, first step 1"));
  EXPECT_THAT(decode_changed([](v1::Trajectory& t) { t.set_terminated(false); }).ToString(),
              HasSubstr("DATA_LOSS: holds no whole episode: slot 0, first step 0, terminated 0"));
}

TEST(EpisodeCodec, ContentOfAnotherRecipeIsFound) {
  EXPECT_EQ(Decode(Encode(3, 5), {.policy = "other"}).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Decode(Encode(3, 5), {.version = 2}).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Decode(Encode(3, 5), {.record = true}).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace understudy::testing
