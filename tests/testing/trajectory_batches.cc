#include "tests/testing/trajectory_batches.h"

#include "common/environment/registry.h"

namespace understudy::testing {
namespace {

template <typename T>
void Append(T number, std::string& column) {
  column.append(reinterpret_cast<const char*>(&number), sizeof(number));
}

// Some number in [-1, 1) that depends on all four.
float Number(int64_t slot, int64_t episode, int64_t step, int64_t element) {
  const int64_t mixed = ((slot * 31 + episode) * 1009 + step) * 17 + element * 5;
  return static_cast<float>(mixed * 7919 % 2048) / 1024.0f - 1.0f;
}

constexpr int kObservationSize = 4;
constexpr int kActions = 2;

}  // namespace

v1::EnvironmentSpec CartPoleSpec() { return FindEnvironmentSpec("CartPole-v1").value(); }

BatchExpectation ExpectationOf(const BatchOptions& options) {
  return {.environment = CartPoleSpec(),
          .policy = options.policy,
          .policy_version = options.version,
          .action_mode = options.action_mode,
          .record_logits = options.record,
          .record_value = options.record};
}

void AddTrajectory(const v1::Trajectory& trajectory, const BatchOptions& options, v1::TrajectoryBatch& batch) {
  *batch.add_trajectories() = trajectory;
  const int64_t end = trajectory.first_step() + trajectory.steps();
  for (int64_t step = trajectory.first_step(); step <= end; ++step) {
    const auto number = [&](int64_t element) { return Number(trajectory.slot(), trajectory.episode(), step, element); };
    for (int i = 0; i < kObservationSize; ++i) Append(number(i), *batch.mutable_observations());
    if (step == end) break;  // the final observation belongs to no transition
    Append(static_cast<int32_t>((step + trajectory.episode()) % kActions), *batch.mutable_actions());
    Append(1.0f, *batch.mutable_rewards());
    Append(number(4) - 1.0f, *batch.mutable_log_probs());
    if (!options.record) continue;
    for (int i = 0; i < kActions; ++i) Append(number(5 + i), *batch.mutable_logits());
    Append(number(5 + kActions), *batch.mutable_values());
  }
}

v1::TrajectoryBatch EpisodeBatch(const std::vector<int64_t>& episodes, int64_t steps_each,
                                 const BatchOptions& options) {
  const v1::EnvironmentSpec spec = CartPoleSpec();
  v1::TrajectoryBatch batch;
  batch.set_environment(spec.name());
  batch.set_policy(options.policy);
  batch.set_policy_version(options.version);
  batch.set_action_mode(options.action_mode);
  for (const int64_t episode : episodes) {
    v1::Trajectory trajectory;
    trajectory.set_episode(episode);
    trajectory.set_steps(steps_each);
    trajectory.set_truncated(steps_each == spec.max_episode_steps());
    trajectory.set_terminated(!trajectory.truncated());
    AddTrajectory(trajectory, options, batch);
  }
  return batch;
}

std::shared_ptr<const PolicySnapshot> TestSnapshot(const std::string& name, int64_t version) {
  const v1::EnvironmentSpec spec = CartPoleSpec();
  v1::PolicyHeader header;
  header.set_name(name);
  header.set_version(version);
  header.set_environment(spec.name());
  *header.mutable_observation_space() = spec.observation_space();
  *header.mutable_action_space() = spec.action_space();
  header.mutable_network()->set_type("mlp");
  header.mutable_network()->add_hidden_sizes(4);
  header.mutable_network()->set_activation("tanh");
  header.mutable_network()->set_trunk("separate");

  // Weights and biases of 4-4-2 and 4-4-1.
  constexpr int kParameters = (4 * 4 + 4) + (4 * 2 + 2) + (4 * 4 + 4) + (4 * 1 + 1);
  std::string parameters;
  for (int i = 0; i < kParameters; ++i) {
    const int64_t letter = static_cast<unsigned char>(name[static_cast<size_t>(i) % name.size()]);
    Append(Number(letter, version, i, 0), parameters);
  }
  return MakeSnapshot(std::move(header), std::move(parameters));
}

}  // namespace understudy::testing
