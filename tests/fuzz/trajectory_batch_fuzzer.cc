// A trajectory batch from the wire: what ValidateBatch lets pass can be viewed, taken apart and put together again.
#include <array>
#include <bit>
#include <cmath>
#include <vector>

#include "common/trajectory/dataset_content.h"
#include "common/trajectory/trajectory_layout.h"
#include "tests/fuzz/fuzz.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

// Box actions with bounds, which CartPole has not; observations of one number.
BatchExpectation BoxActions() {
  BatchExpectation expectation;
  expectation.environment.set_name("box");
  expectation.environment.mutable_observation_space()->mutable_box()->add_shape(1);
  v1::Space::Box& actions = *expectation.environment.mutable_action_space()->mutable_box();
  for (const float bound : {1.0f, 2.0f}) {
    actions.add_low(-bound);
    actions.add_high(bound);
  }
  actions.add_shape(2);
  expectation.environment.set_max_episode_steps(20);
  expectation.policy = "expert";
  expectation.policy_version = 1;
  return expectation;
}

const BatchExpectation& Expectation(uint8_t choice) {
  static const std::array<BatchExpectation, 3> kExpectations = {testing::ExpectationOf({}),
                                                                testing::ExpectationOf({.record = true}), BoxActions()};
  return kExpectations[choice % kExpectations.size()];
}

template <typename T>
size_t Finite(std::span<const T> numbers) {
  for (const float number : numbers) fuzz::Require(std::isfinite(number), "every number of a valid batch is finite");
  return numbers.size();
}

// Reads every element of every view; the columns are used up exactly.
void ReadAll(const std::vector<TrajectoryView>& views, const v1::TrajectoryBatch& batch) {
  size_t floats = 0;
  size_t action_bytes = 0;
  for (const TrajectoryView& view : views) {
    floats += Finite(view.observations) + Finite(view.rewards) + Finite(view.log_probs) + Finite(view.logits) +
              Finite(view.values);
    action_bytes += view.actions.size();
    fuzz::Require(std::isfinite(UndiscountedReturn(view)), "a valid trajectory has a return");
  }
  fuzz::Require(floats * sizeof(float) + action_bytes == batch.observations().size() + batch.actions().size() +
                                                             batch.rewards().size() + batch.log_probs().size() +
                                                             batch.logits().size() + batch.values().size(),
                "the views are all there is in the columns");
}

void CheckRoundTrip(const std::vector<TrajectoryView>& views, const v1::TrajectoryBatch& batch,
                    const BatchExpectation& expectation) {
  v1::TrajectoryBatch copy;
  copy.set_environment(batch.environment());
  copy.set_policy(batch.policy());
  copy.set_policy_version(batch.policy_version());
  copy.set_action_mode(batch.action_mode());
  for (const TrajectoryView& view : views) AppendTrajectory(view, copy);
  fuzz::Require(ValidateBatch(copy, expectation).ok(), "what was put together again is valid");
  const std::vector<TrajectoryView> again = ViewTrajectories(copy, expectation.environment);
  fuzz::Require(again.size() == views.size(), "as many trajectories as before");
  for (size_t i = 0; i < views.size(); ++i) {
    fuzz::Require(EpisodeDigest(again[i]) == EpisodeDigest(views[i]), "each with the digest that it had");
  }
}

}  // namespace
}  // namespace understudy

// One byte that chooses what is expected, then the serialised batch.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace understudy;
  fuzz::Input input(data, size);
  const BatchExpectation& expectation = Expectation(input.Byte());
  v1::TrajectoryBatch batch;
  if (!batch.ParseFromString(std::string(input.Rest()))) return 0;
  if (const absl::Status valid = ValidateBatch(batch, expectation); !valid.ok()) {
    fuzz::RequireRefusal(valid);
    return 0;
  }
  const std::vector<TrajectoryView> views = ViewTrajectories(batch, expectation.environment);
  ReadAll(views, batch);
  CheckRoundTrip(views, batch, expectation);
  return 0;
}
