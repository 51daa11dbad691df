// SHA-256 over the canonical content of demonstrations: equal digests mean equal content, bit for bit, whatever the
// names, versions, times, batching or order of arrival.
#ifndef UNDERSTUDY_COMMON_TRAJECTORY_DATASET_DIGEST_H_
#define UNDERSTUDY_COMMON_TRAJECTORY_DATASET_DIGEST_H_

#include <string>
#include <string_view>

#include "common/snapshot/sha256.h"
#include "common/trajectory/trajectory_layout.h"
#include "understudy/v1/datasets.pb.h"

namespace understudy {

// SHA-256 (32 bytes) of one whole episode: number, steps, terminated and truncated, each as an int64, and each column
// after its length in bytes, in the order of the proto; all little-endian.
std::string EpisodeDigest(const TrajectoryView& episode);

// Digest of a dataset: SHA-256 over that of its recipe's canonical text and its episodes' digests, to be added in
// ascending order of the episodes.
class DatasetDigest {
 public:
  // Covers environment, spaces, action mode and recorded columns of the recipe.
  explicit DatasetDigest(const v1::DatasetRecipe& recipe);
  void Add(std::string_view episode_digest);
  std::string Finish() const;  // 32 bytes

 private:
  Sha256Hash hash_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_TRAJECTORY_DATASET_DIGEST_H_
