// An episode's row as it comes from a store that may be damaged: what EpisodeDecoder lets pass is one whole episode
// that encodes to the same row again.
#include <zstd.h>

#include <array>
#include <string>

#include "common/trajectory/dataset_content.h"
#include "coordinator/storage/episode_codec.h"
#include "tests/fuzz/fuzz.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

v1::DatasetRecipe Recipe(bool record) {
  v1::DatasetRecipe recipe;
  *recipe.mutable_environment() = testing::CartPoleSpec();
  recipe.mutable_policy()->set_name("expert");
  recipe.mutable_policy()->set_version(1);
  recipe.set_action_mode(v1::ACTION_MODE_SAMPLE);
  if (record) recipe.add_record(v1::RECORD_LOGITS);
  if (record) recipe.add_record(v1::RECORD_VALUE);
  return recipe;
}

std::string Compress(const std::string& bytes) {
  std::string compressed(ZSTD_compressBound(bytes.size()), '\0');
  compressed.resize(ZSTD_compress(compressed.data(), compressed.size(), bytes.data(), bytes.size(), 1));
  return compressed;
}

// Makes the row say what its content holds, as far as that can be read: no mutation finds a SHA-256.
void Seal(const v1::DatasetRecipe& recipe, const std::string& bytes, EncodedEpisode& episode) {
  v1::TrajectoryBatch batch;
  if (!batch.ParseFromString(bytes) || !ValidateBatch(batch, ExpectationOf(recipe)).ok()) return;
  const TrajectoryView view = ViewTrajectories(batch, recipe.environment()).front();
  episode.number = view.trajectory->episode();
  episode.steps = view.trajectory->steps();
  episode.terminated = view.trajectory->terminated();
  episode.truncated = view.trajectory->truncated();
  episode.undiscounted_return = UndiscountedReturn(view);
  episode.digest = EpisodeDigest(view);
}

void CheckDecoded(const v1::TrajectoryBatch& batch, const EncodedEpisode& row, const v1::DatasetRecipe& recipe) {
  fuzz::Require(batch.trajectories_size() == 1, "a row is one episode");
  const v1::Trajectory& trajectory = batch.trajectories(0);
  fuzz::Require(trajectory.first_step() == 0 && trajectory.slot() == 0, "from its beginning");
  fuzz::Require(trajectory.terminated() || trajectory.truncated(), "to its end");
  EpisodeEncoder encoder(recipe);
  const auto again = encoder.Encode(ViewTrajectories(batch, recipe.environment()).front());
  fuzz::Require(again.ok(), "that can be stored");
  fuzz::Require(again->number == row.number && again->steps == row.steps && again->terminated == row.terminated &&
                    again->truncated == row.truncated && again->undiscounted_return == row.undiscounted_return &&
                    again->digest == row.digest,
                "in the row that it came from");
  EpisodeDecoder decoder(recipe);
  auto decoded = decoder.Decode(*again);
  // What a later version may have added is nobody's business here.
  v1::TrajectoryBatch known = batch;
  known.DiscardUnknownFields();
  if (decoded.ok()) decoded->DiscardUnknownFields();
  fuzz::Require(decoded.ok() && decoded->SerializeAsString() == known.SerializeAsString(), "and read again");
}

}  // namespace
}  // namespace understudy

// One byte of choices; the row's numbers, where they are not to be made right; the content, compressed or not.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace understudy;
  static const std::array<v1::DatasetRecipe, 2> kRecipes = {Recipe(false), Recipe(true)};
  fuzz::Input input(data, size);
  const uint8_t choices = input.Byte();
  const v1::DatasetRecipe& recipe = kRecipes[choices & 1];
  EncodedEpisode row;
  if (choices & 2) {
    row.content = Compress(std::string(input.Rest()));
    Seal(recipe, std::string(reinterpret_cast<const char*>(data) + 1, size - 1), row);
  } else {
    row.number = input.Number<int64_t>();
    row.steps = input.Number<int64_t>();
    row.undiscounted_return = input.Number<double>();
    row.terminated = input.Byte() & 1;
    row.truncated = input.Byte() & 1;
    row.digest = std::string(input.Take(32));
    row.content = std::string(input.Rest());
  }
  fuzz::Require(DecompressedBytes(row) >= 0, "sizes are not negative");
  EpisodeDecoder decoder(recipe);
  const auto batch = decoder.Decode(row);
  if (batch.ok()) {
    CheckDecoded(*batch, row, recipe);
  } else {
    fuzz::RequireRefusal(batch.status());
  }
  return 0;
}
