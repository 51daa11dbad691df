#include "tests/testing/fake_training_context.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/environment/registry.h"
#include "common/environment/spaces.h"
#include "common/policy/categorical.h"
#include "common/policy/policy.h"
#include "common/random/rollout_streams.h"

namespace understudy::testing {
namespace {

constexpr size_t kWidth = 64;

void AppendFloats(std::string& column, const float* numbers, size_t count) {
  column.append(reinterpret_cast<const char*>(numbers), count * sizeof(float));
}

// One slot or episode and what it has recorded.
struct Lane {
  std::unique_ptr<Environment> environment;
  bool is_slot = false;
  v1::SlotState state;    // slot: number of the slot; episodes: slot 0, `episode` the number
  int64_t remaining = 0;  // steps, of a slot
  bool finished = false;
  std::vector<v1::TrajectoryBatch> pieces;
};

class Rollout {
 public:
  Rollout(const v1::RolloutRequest& request, const v1::EnvironmentSpec& spec, const Policy& policy, float reward_scale)
      : request_(request),
        spec_(spec),
        policy_(policy),
        reward_scale_(reward_scale),
        size_(policy.observation_size()),
        records_(request.record_size() > 0),
        observations_(kWidth * size_),
        logits_(kWidth * policy.actions()),
        values_(records_ ? kWidth : 0) {}

  absl::StatusOr<v1::RolloutResult> Run() {
    if (absl::Status status = MakeLanes(); !status.ok()) return status;
    while (std::any_of(lanes_.begin(), lanes_.end(), [](const Lane& lane) { return !lane.finished; })) StepAll();
    return Result();
  }

 private:
  std::span<float> Row(size_t lane) { return std::span(observations_).subspan(lane * size_, size_); }

  absl::Status MakeLanes() {
    const bool segments = request_.has_segments();
    const int64_t begin = segments ? request_.segments().begin() : request_.episodes().begin();
    const int64_t end = segments ? request_.segments().end() : request_.episodes().end();
    for (int64_t i = begin; i < end; ++i) {
      absl::StatusOr<std::unique_ptr<Environment>> environment = MakeEnvironment(spec_.name());
      if (!environment.ok()) return environment.status();
      Lane& lane = lanes_.emplace_back();
      lane.environment = *std::move(environment);
      lane.is_slot = segments;
      segments ? lane.state.set_slot(i) : lane.state.set_episode(i);
      lane.remaining = request_.segments().steps();
      const size_t row = lanes_.size() - 1;
      if (segments && request_.segments().states_size() > 0) {
        lane.state = request_.segments().states(i - begin);
        if (absl::Status status = lane.environment->RestoreState(lane.state.environment(), Row(row)); !status.ok()) {
          return status;
        }
        BeginPiece(row);
      } else {
        BeginEpisode(row);
      }
    }
    return absl::OkStatus();
  }

  void BeginEpisode(size_t index) {
    Lane& lane = lanes_[index];
    RandomStream random = lane.is_slot ? ResetStream(request_, lane.state.slot(), lane.state.episode())
                                       : ResetStream(request_, lane.state.episode(), 0);
    lane.environment->Reset(random, Row(index));
    lane.state.set_episode_step(0);
    BeginPiece(index);
  }

  void BeginPiece(size_t index) {
    Lane& lane = lanes_[index];
    v1::Trajectory& piece = *lane.pieces.emplace_back().add_trajectories();
    piece.set_slot(lane.state.slot());
    piece.set_episode(lane.state.episode());
    piece.set_first_step(lane.state.episode_step());
    AppendFloats(*lane.pieces.back().mutable_observations(), Row(index).data(), size_);
  }

  double Uniform(const Lane& lane) const {
    return lane.is_slot ? ActionStream(request_, lane.state.slot(), lane.state.steps()).Uniform()
                        : ActionStream(request_, lane.state.episode(), lane.state.episode_step()).Uniform();
  }

  void StepAll() {
    policy_.Infer(observations_, {.logits = logits_, .values = values_});
    const size_t n = policy_.actions();
    for (size_t i = 0; i < lanes_.size(); ++i) {
      if (lanes_[i].finished) continue;
      const std::span<const float> logits = std::span(logits_).subspan(i * n, n);
      if (records_) {
        AppendFloats(*lanes_[i].pieces.back().mutable_logits(), logits.data(), n);
        AppendFloats(*lanes_[i].pieces.back().mutable_values(), &values_[i], 1);
      }
      Step(i, logits);
    }
  }

  void Step(size_t index, std::span<const float> logits) {
    Lane& lane = lanes_[index];
    v1::TrajectoryBatch& batch = lane.pieces.back();
    v1::Trajectory& piece = *batch.mutable_trajectories(0);
    const int32_t action = request_.action_mode() == v1::ACTION_MODE_GREEDY
                               ? GreedyAction(logits)
                               : SampleAction(logits, Uniform(lane)).action;
    const float log_prob = static_cast<float>(LogProbability(logits, action));
    const StepOutcome outcome = lane.environment->Step(std::as_bytes(std::span(&action, 1)), Row(index));
    batch.mutable_actions()->append(reinterpret_cast<const char*>(&action), sizeof(action));
    AppendFloats(*batch.mutable_log_probs(), &log_prob, 1);
    const float reward = outcome.reward * reward_scale_;
    AppendFloats(*batch.mutable_rewards(), &reward, 1);
    AppendFloats(*batch.mutable_observations(), Row(index).data(), size_);
    piece.set_steps(piece.steps() + 1);
    piece.set_terminated(outcome.terminated);
    piece.set_truncated(outcome.truncated);
    lane.state.set_steps(lane.state.steps() + 1);
    lane.state.set_episode_step(lane.state.episode_step() + 1);
    Advance(index, outcome.terminated || outcome.truncated);
  }

  void Advance(size_t index, bool ended) {
    Lane& lane = lanes_[index];
    lane.finished = lane.is_slot ? --lane.remaining == 0 : ended;
    if (!lane.is_slot || !ended) return;
    lane.state.set_episode(lane.state.episode() + 1);
    BeginEpisode(index);
    if (lane.finished) lane.pieces.pop_back();
  }

  v1::RolloutResult Result() {
    v1::RolloutResult result;
    result.set_request_id(request_.id());
    result.set_last(true);
    v1::TrajectoryBatch& batch = *result.mutable_batch();
    batch.set_environment(spec_.name());
    batch.set_policy(request_.policy());
    batch.set_policy_version(request_.policy_version());
    batch.set_action_mode(request_.action_mode());
    for (Lane& lane : lanes_) {
      for (const v1::TrajectoryBatch& piece : lane.pieces) {
        *batch.add_trajectories() = piece.trajectories(0);
        batch.mutable_observations()->append(piece.observations());
        batch.mutable_actions()->append(piece.actions());
        batch.mutable_rewards()->append(piece.rewards());
        batch.mutable_log_probs()->append(piece.log_probs());
        batch.mutable_logits()->append(piece.logits());
        batch.mutable_values()->append(piece.values());
      }
      if (!lane.is_slot) continue;
      lane.state.set_environment(lane.environment->SaveState());
      *result.add_states() = lane.state;
    }
    return result;
  }

  const v1::RolloutRequest& request_;
  const v1::EnvironmentSpec& spec_;
  const Policy& policy_;
  float reward_scale_;
  size_t size_;
  bool records_;
  std::vector<float> observations_;
  std::vector<float> logits_;
  std::vector<float> values_;
  std::vector<Lane> lanes_;
};

}  // namespace

absl::Status FakeTrainingContext::Start(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy,
                                        bool /*background*/) {
  policies.push_back(policy);
  started_.push_back({.order = std::move(order), .policy = std::move(policy)});
  return actors_are_quick ? Run(started_.back()) : absl::OkStatus();
}

absl::Status FakeTrainingContext::Await(const Order& order) {
  const auto started = Find(order);
  if (absl::Status status = Run(*started); !status.ok()) return status;
  accepted_ += started->accepted;
  started_.erase(started);
  return absl::OkStatus();
}

void FakeTrainingContext::Drop(const Order& order) {
  started_.erase(Find(order));
  ++dropped;
}

v1::TrajectoryAccounting FakeTrainingContext::trajectories() const {
  v1::TrajectoryAccounting accounting = trajectories_before;
  accounting.set_produced(accounting.produced() + accepted_);
  accounting.set_accepted(accounting.accepted() + accepted_);
  return accounting;
}

std::vector<FakeTrainingContext::Started>::iterator FakeTrainingContext::Find(const Order& order) {
  return std::find_if(started_.begin(), started_.end(), [&](const Started& s) { return s.order.get() == &order; });
}

absl::Status FakeTrainingContext::Run(Started& started) {
  Order& order = *started.order;
  const absl::StatusOr<Policy> policy = Policy::FromSnapshot(*started.policy);
  if (!policy.ok()) return policy.status();
  for (uint64_t id = 1; !order.done(); ++id) {
    if (absl::Status status = CheckCancelled(); !status.ok()) return status;
    std::optional<v1::RolloutRequest> request = order.Next(id, 1);
    if (!request.has_value()) return absl::InternalError("the order asks for nothing and is not done");
    request->set_id(id);
    requests.push_back(*request);
    absl::StatusOr<v1::RolloutResult> result =
        Rollout(*request, order.expectation().environment, *policy, reward_scale).Run();
    if (!result.ok()) return result.status();
    if (absl::Status status = ValidateBatch(result->batch(), order.expectation()); !status.ok()) return status;
    const absl::StatusOr<Acceptance> acceptance = order.Accept(*std::move(result));
    if (!acceptance.ok()) return acceptance.status();
    started.accepted += acceptance->accepted;
  }
  return absl::OkStatus();
}

absl::Status FakeTrainingContext::SaveCheckpoint(v1::Checkpoint checkpoint) {
  if (absl::Status status = CheckCancelled(); !status.ok()) return status;
  *checkpoint.mutable_trajectories() = trajectories();
  checkpoints.push_back(std::move(checkpoint));
  return absl::OkStatus();
}

absl::Status FakeTrainingContext::CheckCancelled() const {
  if (calls_until_cancelled < 0) return absl::OkStatus();
  if (calls_until_cancelled == 0) return absl::CancelledError("the stage was cancelled");
  --calls_until_cancelled;
  return absl::OkStatus();
}

absl::StatusOr<Demonstrations> RecordDemonstrations(const v1::EnvironmentSpec& environment,
                                                    const std::shared_ptr<const PolicySnapshot>& policy, uint64_t seed,
                                                    int64_t transitions) {
  Demonstrations demonstrations;
  v1::Dataset& dataset = demonstrations.dataset;
  dataset.set_name("demonstrations");
  *dataset.mutable_recipe()->mutable_environment() = environment;
  dataset.mutable_recipe()->add_record(v1::RECORD_LOGITS);
  dataset.mutable_recipe()->add_record(v1::RECORD_VALUE);
  dataset.set_complete(true);
  v1::TrajectoryBatch all;
  auto order = std::make_shared<EpisodeOrder>(EpisodeOrderOptions{
      .expectation = {.environment = environment,
                      .policy = policy->header.name(),
                      .policy_version = policy->header.version(),
                      .action_mode = v1::ACTION_MODE_SAMPLE,
                      .record_logits = true,
                      .record_value = true},
      .purpose = v1::ROLLOUT_PURPOSE_COLLECTION,
      .seed = seed,
      .transitions = transitions,
      .on_episodes =
          [&](const std::vector<TrajectoryView>& episodes) {
            for (const TrajectoryView& episode : episodes) AppendTrajectory(episode, all);
            return absl::OkStatus();
          },
  });
  FakeTrainingContext context;
  if (absl::Status status = context.RollOut(order, policy); !status.ok()) return status;
  dataset.set_episodes(order->Summary().episodes);
  v1::TrajectoryBatch& wanted = demonstrations.batches.emplace_back();
  for (const TrajectoryView& episode : ViewTrajectories(all, environment)) {
    if (episode.trajectory->episode() < dataset.episodes()) AppendTrajectory(episode, wanted);
  }
  return demonstrations;
}

}  // namespace understudy::testing
