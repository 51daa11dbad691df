#include "coordinator/storage/episode_codec.h"

#include "absl/strings/str_cat.h"
#include "common/snapshot/policy_snapshot.h"
#include "common/trajectory/dataset_content.h"

namespace understudy {
namespace {

// Observations hardly compress; the higher levels cost much and gain little.
constexpr int kCompressionLevel = -1;

// The columns of one batch, and names and numbers around them.
constexpr uint64_t kMaxSerialisedBytes = uint64_t{kMaxBatchBytes} + 4096;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

// The thread's own: to make one takes longer than to compress some short episodes. nullptr: out of memory.
ZSTD_CCtx* ThreadContext() {
  thread_local std::unique_ptr<ZSTD_CCtx, FreeContext> context;
  if (context != nullptr) return context.get();
  context.reset(ZSTD_createCCtx());
  if (context == nullptr) return nullptr;
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kCompressionLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  return context.get();
}

// What the row says must be what its content holds.
absl::Status CheckAgainstRow(const v1::TrajectoryBatch& batch, const v1::EnvironmentSpec& environment,
                             const EncodedEpisode& episode) {
  if (batch.trajectories_size() != 1) {
    return absl::DataLossError(absl::StrCat("holds ", batch.trajectories_size(), " trajectories, expected 1"));
  }
  const v1::Trajectory& trajectory = batch.trajectories(0);
  if (trajectory.episode() != episode.number || trajectory.steps() != episode.steps ||
      trajectory.terminated() != episode.terminated || trajectory.truncated() != episode.truncated) {
    return absl::DataLossError(absl::StrCat("holds ", trajectory.steps(), " steps of episode ", trajectory.episode(),
                                            " (terminated ", trajectory.terminated(), ", truncated ",
                                            trajectory.truncated(), "), its row says ", episode.steps,
                                            " steps of episode ", episode.number, " (terminated ", episode.terminated,
                                            ", truncated ", episode.truncated, ")"));
  }
  // The digest does not cover these: for whole episodes they say nothing.
  if (trajectory.slot() != 0 || trajectory.first_step() != 0 || (!trajectory.terminated() && !trajectory.truncated())) {
    return absl::DataLossError(absl::StrCat("holds no whole episode: slot ", trajectory.slot(), ", first step ",
                                            trajectory.first_step(), ", terminated ", trajectory.terminated(),
                                            ", truncated ", trajectory.truncated()));
  }
  const TrajectoryView view = ViewTrajectories(batch, environment).front();
  if (const std::string digest = EpisodeDigest(view); digest != episode.digest) {
    return absl::DataLossError(
        absl::StrCat("content has digest ", ToHex(digest), ", its row says ", ToHex(episode.digest)));
  }
  if (const double sum = UndiscountedReturn(view); sum != episode.undiscounted_return) {
    return absl::DataLossError(
        absl::StrCat("content has return ", sum, ", its row says ", episode.undiscounted_return));
  }
  return absl::OkStatus();
}

}  // namespace

void Stamp(const v1::DatasetRecipe& recipe, v1::TrajectoryBatch& batch) {
  batch.set_environment(recipe.environment().name());
  batch.set_policy(recipe.policy().name());
  batch.set_policy_version(recipe.policy().version());
  batch.set_action_mode(recipe.action_mode());
}

EpisodeEncoder::EpisodeEncoder(const v1::DatasetRecipe& recipe) : recipe_(recipe), context_(ThreadContext()) {}

absl::StatusOr<EncodedEpisode> EpisodeEncoder::Encode(const TrajectoryView& episode) {
  if (context_ == nullptr) return absl::UnavailableError("no memory to compress episodes");
  // Clear keeps the memory of the columns.
  batch_.Clear();
  Stamp(recipe_, batch_);
  AppendTrajectory(episode, batch_);
  batch_.SerializeToString(&serialised_);

  const size_t bound = ZSTD_compressBound(serialised_.size());
  if (compressed_.size() < bound) compressed_.resize(bound);
  const size_t size =
      ZSTD_compress2(context_, compressed_.data(), compressed_.size(), serialised_.data(), serialised_.size());
  if (ZSTD_isError(size)) {
    return absl::UnavailableError(absl::StrCat("cannot compress an episode: ", ZSTD_getErrorName(size)));
  }
  return EncodedEpisode{
      .number = episode.trajectory->episode(),
      .steps = episode.trajectory->steps(),
      .undiscounted_return = UndiscountedReturn(episode),
      .terminated = episode.trajectory->terminated(),
      .truncated = episode.trajectory->truncated(),
      .digest = EpisodeDigest(episode),
      .content = compressed_.substr(0, size),
  };
}

EpisodeDecoder::EpisodeDecoder(const v1::DatasetRecipe& recipe)
    : expected_(ExpectationOf(recipe)), context_(ZSTD_createDCtx()) {}

absl::StatusOr<v1::TrajectoryBatch> EpisodeDecoder::Decode(const EncodedEpisode& episode) {
  if (context_ == nullptr) return absl::UnavailableError("no memory to decompress episodes");
  // The two values that mean "not known" and "not zstd" are the largest of all.
  const uint64_t size = ZSTD_getFrameContentSize(episode.content.data(), episode.content.size());
  if (size > kMaxSerialisedBytes) {
    return absl::DataLossError("does not begin with the header of a zstd frame of an acceptable size");
  }
  serialised_.resize(size);
  const size_t found =
      ZSTD_decompressDCtx(context_.get(), serialised_.data(), size, episode.content.data(), episode.content.size());
  if (ZSTD_isError(found)) return absl::DataLossError(absl::StrCat("cannot decompress: ", ZSTD_getErrorName(found)));
  if (found != size) return absl::DataLossError(absl::StrCat("decompresses to ", found, " bytes, expected ", size));

  v1::TrajectoryBatch batch;
  if (!batch.ParseFromString(serialised_)) return absl::DataLossError("is no TrajectoryBatch");
  if (const absl::Status valid = ValidateBatch(batch, expected_); !valid.ok()) {
    return absl::DataLossError(valid.message());
  }
  if (absl::Status status = CheckAgainstRow(batch, expected_.environment, episode); !status.ok()) return status;
  return batch;
}

int64_t DecompressedBytes(const EncodedEpisode& episode) {
  const uint64_t size = ZSTD_getFrameContentSize(episode.content.data(), episode.content.size());
  return size > kMaxSerialisedBytes ? static_cast<int64_t>(episode.content.size()) : static_cast<int64_t>(size);
}

}  // namespace understudy
