#include "learner/algorithms/ppo_batch.h"

#include <cmath>
#include <cstring>

#include "common/environment/spaces.h"
#include "common/trajectory/trajectory_layout.h"
#include "learner/algorithms/gather.h"

namespace understudy {
namespace {

std::vector<TrajectoryView> ViewAll(const std::vector<v1::TrajectoryBatch>& batches,
                                    const v1::EnvironmentSpec& environment) {
  std::vector<TrajectoryView> views;
  for (const v1::TrajectoryBatch& batch : batches) {
    const std::vector<TrajectoryView> more = ViewTrajectories(batch, environment);
    views.insert(views.end(), more.begin(), more.end());
  }
  return views;
}

// Observations, rows, actions and log-probabilities.
PpoBatch CopyColumns(const std::vector<TrajectoryView>& views, int64_t observation_size) {
  int64_t steps = 0;
  for (const TrajectoryView& view : views) steps += view.trajectory->steps();
  PpoBatch batch;
  batch.observations = at::empty({steps + static_cast<int64_t>(views.size()), observation_size}, at::kFloat);
  batch.rows.reserve(steps);
  batch.actions.resize(steps);
  batch.log_probs.reserve(steps);
  float* observations = batch.observations.data_ptr<float>();
  int64_t row = 0;
  for (const TrajectoryView& view : views) {
    std::memcpy(batch.actions.data() + batch.rows.size(), view.actions.data(), view.actions.size());
    std::memcpy(observations + row * observation_size, view.observations.data(), view.observations.size_bytes());
    for (int64_t step = 0; step < view.trajectory->steps(); ++step) batch.rows.push_back(row++);
    ++row;
    batch.log_probs.insert(batch.log_probs.end(), view.log_probs.begin(), view.log_probs.end());
  }
  return batch;
}

struct Moments {
  double mean = 0;
  double variance = 0;  // of the population
};

Moments MomentsOf(std::span<const float> numbers) {
  Moments moments;
  const double scale = 1.0 / static_cast<double>(numbers.size());
  for (const float number : numbers) moments.mean += scale * number;
  for (const float number : numbers) moments.variance += scale * (number - moments.mean) * (number - moments.mean);
  return moments;
}

}  // namespace

PpoBatch MakePpoBatch(const std::vector<v1::TrajectoryBatch>& batches, const v1::EnvironmentSpec& environment,
                      const Policy& policy, const AdvantageOptions& options) {
  const std::vector<TrajectoryView> views = ViewAll(batches, environment);
  PpoBatch batch = CopyColumns(views, SpaceSize(environment.observation_space()));
  const at::Tensor estimates = policy.Infer(batch.observations, /*with_values=*/true).values.contiguous();
  const std::span<const float> values(estimates.data_ptr<float>(), estimates.numel());

  const size_t count = batch.actions.size();
  GatherElements<float, int64_t>({values.begin(), values.end()}, batch.rows, batch.values);
  batch.advantages.resize(count);
  size_t step = 0;
  size_t row = 0;
  for (const TrajectoryView& view : views) {
    const size_t steps = view.trajectory->steps();
    EstimateAdvantages(view.rewards, values.subspan(row, steps + 1), view.trajectory->terminated(), options,
                       std::span(batch.advantages).subspan(step, steps));
    step += steps;
    row += steps + 1;
  }
  batch.returns.resize(count);
  for (size_t i = 0; i < count; ++i) batch.returns[i] = batch.advantages[i] + batch.values[i];
  return batch;
}

double ExplainedVariance(const PpoBatch& batch) {
  const double total = MomentsOf(batch.returns).variance;
  return total > 0 ? 1 - MomentsOf(batch.advantages).variance / total : 0;
}

void PpoMinibatch::Gather(const PpoBatch& batch, std::span<const uint32_t> steps, bool normalize) {
  const int64_t width = batch.observations.size(1);
  std::vector<int64_t> rows;
  GatherElements(batch.rows, steps, rows);
  observations_ = at::empty({static_cast<int64_t>(steps.size()), width}, at::kFloat);
  GatherRows<int64_t>(batch.observations.data_ptr<float>(), width, rows, observations_.data_ptr<float>());
  GatherElements(batch.actions, steps, actions_);
  GatherElements(batch.log_probs, steps, log_probs_);
  GatherElements(batch.values, steps, values_);
  GatherElements(batch.advantages, steps, advantages_);
  GatherElements(batch.returns, steps, returns_);
  if (!normalize || steps.size() < 2) return;
  const Moments moments = MomentsOf(advantages_);
  const double scale = 1 / (std::sqrt(moments.variance) + 1e-8);
  for (float& advantage : advantages_) advantage = static_cast<float>((advantage - moments.mean) * scale);
}

}  // namespace understudy
