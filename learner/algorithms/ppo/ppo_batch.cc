#include "learner/algorithms/ppo/ppo_batch.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "common/environment/spaces.h"
#include "common/trajectory/trajectory_layout.h"
#include "learner/algorithms/minibatches.h"

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

// Fills in observations, actions and log-probabilities.
PpoBatch TakeColumns(const std::vector<TrajectoryView>& views, size_t observation_size) {
  size_t steps = 0;
  for (const TrajectoryView& view : views) steps += view.trajectory->steps();
  PpoBatch batch;
  batch.observation_size = observation_size;
  batch.observations.reserve(steps);
  batch.actions.resize(steps);
  batch.log_probs.reserve(steps);
  for (const TrajectoryView& view : views) {
    std::memcpy(batch.actions.data() + batch.observations.size(), view.actions.data(), view.actions.size());
    for (int64_t step = 0; step < view.trajectory->steps(); ++step) {
      batch.observations.push_back(view.observations.data() + static_cast<size_t>(step) * observation_size);
    }
    batch.log_probs.insert(batch.log_probs.end(), view.log_probs.begin(), view.log_probs.end());
  }
  return batch;
}

struct Moments {
  double mean = 0;
  double variance = 0;  // the mean squared deviation
};

Moments MomentsOf(std::span<const float> numbers) {
  Moments moments;
  const double scale = 1.0 / static_cast<double>(numbers.size());
  for (const float number : numbers) moments.mean += scale * number;
  for (const float number : numbers) moments.variance += scale * (number - moments.mean) * (number - moments.mean);
  return moments;
}

}  // namespace

void EstimateAdvantages(std::span<const float> rewards, std::span<const float> values, bool terminated,
                        const AdvantageOptions& options, std::span<float> advantages) {
  double next_value = terminated ? 0.0 : values[rewards.size()];
  double advantage = 0;
  for (size_t t = rewards.size(); t-- > 0;) {
    const double difference = rewards[t] + options.gamma * next_value - values[t];
    advantage = difference + options.gamma * options.lambda * advantage;
    advantages[t] = static_cast<float>(advantage);
    next_value = values[t];
  }
}

PpoBatch MakePpoBatch(const std::vector<v1::TrajectoryBatch>& batches, const v1::EnvironmentSpec& environment,
                      const Policy& policy, const AdvantageOptions& options, Backpropagation& backpropagation) {
  const std::vector<TrajectoryView> views = ViewAll(batches, environment);
  PpoBatch batch = TakeColumns(views, static_cast<size_t>(SpaceSize(environment.observation_space())));
  const size_t count = batch.actions.size();
  batch.values.resize(count);
  batch.advantages.resize(count);
  batch.returns.resize(count);
  std::vector<size_t> first_steps;
  for (size_t step = 0; const TrajectoryView& view : views) {
    first_steps.push_back(step);
    step += view.trajectory->steps();
  }
  backpropagation.Run(views.size(), [&](size_t part) {
    const TrajectoryView& view = views[part];
    const size_t first = first_steps[part];
    const size_t steps = view.trajectory->steps();
    thread_local std::vector<float> values;  // kept from trajectory to trajectory
    values.resize(steps + 1);
    policy.Infer(view.observations, {.logits = {}, .values = values});
    std::copy_n(values.begin(), steps, batch.values.begin() + static_cast<ptrdiff_t>(first));
    EstimateAdvantages(view.rewards, values, view.trajectory->terminated(), options,
                       std::span(batch.advantages).subspan(first, steps));
    for (size_t i = first; i < first + steps; ++i) batch.returns[i] = batch.advantages[i] + batch.values[i];
  });
  return batch;
}

absl::Status ShareAdvantages(Share own, int64_t steps, LearnerGroup& group, PpoBatch& batch) {
  batch.first_step = static_cast<size_t>(own.begin);
  for (std::vector<float>* const numbers : {&batch.advantages, &batch.returns}) {
    // The entries of other ranks are 0 here, so the sum over all ranks gives every entry.
    numbers->insert(numbers->begin(), batch.first_step, 0.0f);
    numbers->resize(static_cast<size_t>(steps));
    if (absl::Status status = group.Sum(*numbers); !status.ok()) return status;
  }
  return absl::OkStatus();
}

double ExplainedVariance(const PpoBatch& batch) {
  const double total = MomentsOf(batch.returns).variance;
  return total > 0 ? 1 - MomentsOf(batch.advantages).variance / total : 0;
}

void PpoMinibatch::Gather(const PpoBatch& batch, std::span<const uint32_t> steps, bool normalize) {
  std::span<const uint32_t> own = steps;
  const bool alone = batch.own_steps() == batch.steps();
  if (!alone) {
    own_.clear();
    for (const uint32_t step : steps) {
      const size_t place = step - batch.first_step;
      if (step >= batch.first_step && place < batch.own_steps()) own_.push_back(static_cast<uint32_t>(place));
    }
    own = own_;
  }
  const size_t width = batch.observation_size;
  observations_.resize(own.size() * width);
  for (size_t i = 0; i < own.size(); ++i) {
    std::memcpy(observations_.data() + i * width, batch.observations[own[i]], width * sizeof(float));
  }
  const size_t first = batch.first_step;
  const size_t count = batch.own_steps();
  GatherElements(batch.actions, own, actions_);
  GatherElements(batch.log_probs, own, log_probs_);
  GatherElements(batch.values, own, values_);
  GatherElements(std::span(batch.advantages).subspan(first, count), own, advantages_);
  GatherElements(std::span(batch.returns).subspan(first, count), own, returns_);
  if (!normalize || steps.size() < 2) return;
  if (!alone) GatherElements(batch.advantages, steps, all_advantages_);
  const Moments moments = MomentsOf(alone ? advantages_ : all_advantages_);
  const double scale = 1 / (std::sqrt(moments.variance) + 1e-8);
  for (float& advantage : advantages_) advantage = static_cast<float>((advantage - moments.mean) * scale);
}

}  // namespace understudy
