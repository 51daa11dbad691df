// SHA-256 over the canonical content of demonstrations: equal digests mean equal content, bit for bit, whatever the
// names, versions, times, batching or order of arrival.
#ifndef UNDERSTUDY_COMMON_TRAJECTORY_DATASET_DIGEST_H_
#define UNDERSTUDY_COMMON_TRAJECTORY_DATASET_DIGEST_H_

#include <string>
#include <string_view>

#include "common/trajectory/trajectory_layout.h"
#include "understudy/v1/datasets.pb.h"

namespace understudy {

// SHA-256 (32 bytes) of one whole episode: number, steps, flags and every column.
std::string EpisodeDigest(const TrajectoryView& episode);

// Digest of a dataset from its episodes' digests, added in ascending order.
class DatasetDigest {
 public:
  // Covers environment, spaces, action mode and recorded columns of the recipe.
  explicit DatasetDigest(const v1::DatasetRecipe& recipe);
  void Add(std::string_view episode_digest);
  std::string Finish() const;  // 32 bytes

 private:
  std::string content_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_TRAJECTORY_DATASET_DIGEST_H_
