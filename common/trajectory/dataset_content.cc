#include "common/trajectory/dataset_content.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/environment/spaces.h"

namespace understudy {
namespace {

void AddNumber(int64_t number, Sha256Hash& hash) { hash.Add({reinterpret_cast<const char*>(&number), sizeof(number)}); }

// Adds a column after its length, so that no bytes can move from one column to the next unnoticed.
template <typename T>
void AddColumn(std::span<const T> column, Sha256Hash& hash) {
  AddNumber(static_cast<int64_t>(column.size_bytes()), hash);
  hash.Add({reinterpret_cast<const char*>(column.data()), column.size_bytes()});
}

std::string CanonicalText(const v1::DatasetRecipe& recipe) {
  const v1::EnvironmentSpec& environment = recipe.environment();
  std::string text = absl::StrCat(
      "environment ", environment.name(), "; observations ", SpaceText(environment.observation_space()), "; actions ",
      SpaceText(environment.action_space()), "; max_episode_steps ", environment.max_episode_steps(), "; action_mode ",
      static_cast<int>(recipe.action_mode()), "; record");
  for (const int record : recipe.record()) absl::StrAppend(&text, " ", record);
  return text;
}

}  // namespace

bool Records(const v1::DatasetRecipe& recipe, v1::Record column) {
  return std::find(recipe.record().begin(), recipe.record().end(), column) != recipe.record().end();
}

BatchExpectation ExpectationOf(const v1::DatasetRecipe& recipe) {
  return {.environment = recipe.environment(),
          .policy = recipe.policy().name(),
          .policy_version = recipe.policy().version(),
          .action_mode = recipe.action_mode(),
          .record_logits = Records(recipe, v1::RECORD_LOGITS),
          .record_value = Records(recipe, v1::RECORD_VALUE)};
}

std::string EpisodeDigest(const TrajectoryView& episode) {
  const v1::Trajectory& trajectory = *episode.trajectory;
  Sha256Hash hash;
  AddNumber(trajectory.episode(), hash);
  AddNumber(trajectory.steps(), hash);
  AddNumber(trajectory.terminated() ? 1 : 0, hash);
  AddNumber(trajectory.truncated() ? 1 : 0, hash);
  AddColumn(episode.observations, hash);
  AddColumn(episode.actions, hash);
  AddColumn(episode.rewards, hash);
  AddColumn(episode.log_probs, hash);
  AddColumn(episode.logits, hash);
  AddColumn(episode.values, hash);
  return hash.Finish();
}

DatasetDigest::DatasetDigest(const v1::DatasetRecipe& recipe) { hash_.Add(Sha256(CanonicalText(recipe))); }

void DatasetDigest::Add(std::string_view episode_digest) { hash_.Add(episode_digest); }

std::string DatasetDigest::Finish() const { return hash_.Finish(); }

}  // namespace understudy
