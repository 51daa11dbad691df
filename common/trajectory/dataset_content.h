// The content of a dataset: which batches its recipe allows, and the digest of its episodes.
#ifndef UNDERSTUDY_COMMON_TRAJECTORY_DATASET_CONTENT_H_
#define UNDERSTUDY_COMMON_TRAJECTORY_DATASET_CONTENT_H_

#include <string>
#include <string_view>

#include "common/snapshot/checksum.h"
#include "common/trajectory/trajectory_layout.h"
#include "understudy/v1/datasets.pb.h"

namespace understudy {

// Returns whether a dataset of this recipe has the column.
bool Records(const v1::DatasetRecipe& recipe, v1::Record column);

// Returns what ValidateBatch must expect of the dataset's batches. They name the policy version of the recipe.
BatchExpectation ExpectationOf(const v1::DatasetRecipe& recipe);

// Returns the SHA-256 (32 bytes) of one whole episode. It covers number, steps, terminated and truncated, each as an
// int64; then each column, preceded by its length in bytes, in the order of the proto; all little-endian.
std::string EpisodeDigest(const TrajectoryView& episode);

// SHA-256 over the canonical content of demonstrations. Equal digests mean equal content, bit for bit, whatever the
// names, versions, times, batches or order of arrival. The digest covers the recipe's canonical text (environment,
// spaces, action mode, recorded columns) and the digests of all episodes, in ascending order of their numbers.
class DatasetDigest {
 public:
  explicit DatasetDigest(const v1::DatasetRecipe& recipe);
  // Adds the next episode's digest.
  void Add(std::string_view episode_digest);
  // Returns the digest (32 bytes) of what was added so far.
  std::string Finish() const;

 private:
  Sha256Hash hash_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_TRAJECTORY_DATASET_CONTENT_H_
