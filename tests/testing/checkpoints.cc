#include "tests/testing/checkpoints.h"

#include <string>
#include <vector>

namespace understudy::testing {
namespace {

std::string Floats(const std::vector<float>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)};
}

v1::Checkpoint Common(int64_t iteration) {
  v1::Checkpoint checkpoint;
  checkpoint.set_fingerprint(std::string(32, 'f'));
  checkpoint.set_iteration(iteration);
  checkpoint.set_updates(4 * iteration);
  checkpoint.set_seconds(0.5 * static_cast<double>(iteration));
  checkpoint.set_parameters(Floats({1, -2, static_cast<float>(iteration)}));
  checkpoint.mutable_optimizer()->set_steps(4 * iteration);
  checkpoint.mutable_optimizer()->set_first_moments(Floats({0.1f, 0, -0.1f}));
  checkpoint.mutable_optimizer()->set_second_moments(Floats({0.01f, 0, 0.01f}));
  v1::StopRuleState& stop_rule = *checkpoint.mutable_stop_rule();
  stop_rule.set_evaluated_version(iteration);
  stop_rule.set_steps(60);
  stop_rule.mutable_last()->set_episodes(2);
  stop_rule.mutable_last()->set_transitions(60);
  stop_rule.mutable_last()->set_mean_return(30);
  stop_rule.mutable_last()->set_std_return(5);
  stop_rule.mutable_last()->set_min_return(25);
  stop_rule.mutable_last()->set_max_return(35);
  v1::TrajectoryAccounting& trajectories = *checkpoint.mutable_trajectories();
  trajectories.set_accepted(10 * iteration);
  (*trajectories.mutable_rejected())["duplicate"] = 1;
  trajectories.set_produced(10 * iteration + 1);
  return checkpoint;
}

}  // namespace

v1::Checkpoint PpoCheckpoint(int64_t iteration) {
  v1::Checkpoint checkpoint = Common(iteration);
  v1::PpoState& ppo = *checkpoint.mutable_ppo();
  for (int slot = 0; slot < 2; ++slot) {
    v1::SlotState& state = *ppo.add_slots();
    state.set_slot(slot);
    state.set_steps(10 * iteration);
    state.set_episode(slot);
    state.set_episode_step(5);
    state.set_environment("environment");
    ppo.add_running_returns(5);
  }
  ppo.add_finished_returns(12.5);
  return checkpoint;
}

v1::Checkpoint BcCheckpoint(int64_t epoch) {
  v1::Checkpoint checkpoint = Common(epoch);
  v1::BcEpoch& last = *checkpoint.mutable_bc()->mutable_last();
  last.set_epoch(epoch);
  last.set_train_loss(0.3);
  last.set_train_accuracy(0.9);
  last.set_validation_loss(0.4);
  last.set_validation_accuracy(0.8);
  v1::BcEpoch& best = *checkpoint.mutable_bc()->mutable_best();
  best = last;
  best.set_epoch(1);
  if (epoch != 1) best.set_parameters(Floats({1, -2, 1}));
  return checkpoint;
}

}  // namespace understudy::testing
