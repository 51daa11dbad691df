// Turns an episode into the row that stores it, and back. The content is compressed and carries two checks: zstd's
// checksum finds damage cheaply, and the SHA-256 digest proves that the content is what was acknowledged. The numbers
// that are often asked for stand beside it.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_EPISODE_CODEC_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_EPISODE_CODEC_H_

#include <zstd.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/trajectory/trajectory_layout.h"
#include "understudy/v1/datasets.pb.h"

namespace understudy {

struct EncodedEpisode {
  int64_t number = 0;
  int64_t steps = 0;
  double undiscounted_return = 0;
  bool terminated = false;
  bool truncated = false;
  std::string digest;   // EpisodeDigest
  std::string content;  // zstd of a serialised TrajectoryBatch of this one trajectory
};

// Sets a batch's environment, policy, version and action mode to those of the recipe.
void Stamp(const v1::DatasetRecipe& recipe, v1::TrajectoryBatch& batch);

// Encodes episodes. Only one thread may use an encoder, because it shares that thread's compressor with other encoders.
// It keeps its buffers from one episode to the next. The recipe must outlive it.
class EpisodeEncoder {
 public:
  explicit EpisodeEncoder(const v1::DatasetRecipe& recipe);

  // Returns the row for one episode.
  // UNAVAILABLE: out of memory.
  absl::StatusOr<EncodedEpisode> Encode(const TrajectoryView& episode);

 private:
  const v1::DatasetRecipe& recipe_;
  ZSTD_CCtx* const context_;
  v1::TrajectoryBatch batch_;
  std::string serialised_;
  std::string compressed_;
};

// Decodes episodes. Thread-compatible. The recipe must outlive it.
class EpisodeDecoder {
 public:
  explicit EpisodeDecoder(const v1::DatasetRecipe& recipe);

  // Returns the batch that was encoded, after checking that it is valid and has the numbers and the digest of
  // `episode`.
  // DATA_LOSS: it is not. The message says what was found; the caller adds which episode of which dataset.
  absl::StatusOr<v1::TrajectoryBatch> Decode(const EncodedEpisode& episode);

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };

  const BatchExpectation expected_;
  std::unique_ptr<ZSTD_DCtx, Free> context_;
  std::string serialised_;
};

// Returns the size of the content once decompressed, as its header says, which may be damaged.
int64_t DecompressedBytes(const EncodedEpisode& episode);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_EPISODE_CODEC_H_
