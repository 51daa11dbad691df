#include "actor/rollout_worker.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "actor/request_check.h"
#include "common/policy/categorical.h"
#include "common/random/rollout_streams.h"
#include "common/trajectory/finite.h"

namespace understudy {
namespace {

bool Records(const v1::RolloutRequest& request, v1::Record wanted) {
  return std::find(request.record().begin(), request.record().end(), wanted) != request.record().end();
}

// One request, from its beginning to its end. The lanes that still have work are the first ones, and inference computes
// no other rows: when a lane has nothing left to do, those behind it move up. All lanes take a step together, one part
// of the step after the other, so that the processor overlaps many lanes' chains of operations.
class RolloutRun {
 public:
  // The request has passed CheckRequest. All references must outlive the run.
  RolloutRun(const v1::RolloutRequest& request, const Policy& policy, VectorEnvironment& environments,
             RolloutWorker::Buffers& buffers, const EmitResult& emit);

  // See RolloutWorker::Run. To be called once.
  absl::Status Run(const Cancellation& cancellation);

 private:
  // What a lane works on. In requests for episodes, `number` is the episode. In requests for segments it is the slot;
  // `steps` counts the slot's transitions, and the segment ends at `end`.
  struct Lane {
    bool active = false;
    int64_t number = 0;
    int64_t episode = 0;
    int64_t episode_step = 0;
    int64_t steps = 0;
    int64_t end = 0;
  };

  // Begins the next number in a lane, or lets the lane rest if none is left.
  absl::Status StartNext(size_t index);
  // Continues a slot from the state in the request.
  absl::Status Resume(size_t index);
  // Begins an episode in the lane's environment.
  void Reset(size_t index);
  // Begins a trajectory in the lane's recorder.
  absl::Status Begin(size_t index);

  // StepAll takes one step in all lanes. The others are its parts.
  absl::Status StepAll(const Cancellation& cancellation);
  absl::Status Infer();
  void ChooseActions();
  absl::Status StepEnvironments(const Cancellation& cancellation);
  absl::Status Record(size_t index);
  absl::Status ContinueEpisode(size_t index, bool ended);
  absl::Status ContinueSlot(size_t index, bool ended);
  // Moves the lanes that rest behind those that work.
  void MoveUp();

  std::span<const float> Logits(size_t index) const;
  // Returns a lane's value; empty if values are not recorded.
  std::span<const float> Value(size_t index) const;
  absl::Status Failure(size_t index, const std::string& what) const;

  const v1::RolloutRequest& request_;
  const Policy& policy_;
  VectorEnvironment& environments_;
  std::vector<TrajectoryRecorder>& recorders_;
  const bool greedy_;
  const bool segments_;
  const bool record_logits_;
  const bool record_value_;
  int64_t next_;
  const int64_t end_;
  size_t active_ = 0;  // lanes [0, active_)
  // One element (or row) a lane.
  std::vector<Lane> lanes_;
  std::vector<float> logits_;
  std::vector<float> values_;
  std::vector<int32_t> actions_;
  std::vector<float> log_probs_;
  std::vector<StepOutcome> outcomes_;
  std::vector<float> rewards_;
  ResultBuilder results_;
};

RolloutRun::RolloutRun(const v1::RolloutRequest& request, const Policy& policy, VectorEnvironment& environments,
                       RolloutWorker::Buffers& buffers, const EmitResult& emit)
    : request_(request),
      policy_(policy),
      environments_(environments),
      recorders_(buffers.recorders),
      greedy_(request.action_mode() == v1::ACTION_MODE_GREEDY),
      segments_(request.has_segments()),
      record_logits_(Records(request, v1::RECORD_LOGITS)),
      record_value_(Records(request, v1::RECORD_VALUE)),
      next_(segments_ ? request.segments().begin() : request.episodes().begin()),
      end_(segments_ ? request.segments().end() : request.episodes().end()),
      lanes_(environments.width()),
      logits_(lanes_.size() * policy.actions()),
      values_(record_value_ ? lanes_.size() : 0),
      actions_(lanes_.size()),
      log_probs_(lanes_.size()),
      outcomes_(lanes_.size()),
      rewards_(lanes_.size()),
      results_(request, environments.spec().name(), emit, buffers.result) {
  // An earlier request may have been cancelled half-way.
  recorders_.resize(lanes_.size());
  for (TrajectoryRecorder& recorder : recorders_) recorder.Clear();
}

absl::Status RolloutRun::Run(const Cancellation& cancellation) {
  for (; active_ < lanes_.size() && next_ < end_; ++active_) {
    if (absl::Status status = StartNext(active_); !status.ok()) return status;
  }
  while (active_ > 0) {
    if (absl::Status status = cancellation.Check(); !status.ok()) return status;
    if (absl::Status status = StepAll(cancellation); !status.ok()) return status;
  }
  return results_.Finish();
}

absl::Status RolloutRun::StartNext(size_t index) {
  Lane& lane = lanes_[index];
  lane = {.active = next_ < end_, .number = next_, .episode = next_};
  if (!lane.active) return absl::OkStatus();
  ++next_;
  if (segments_) {
    if (absl::Status status = Resume(index); !status.ok()) return status;
  } else {
    Reset(index);
  }
  return Begin(index);
}

absl::Status RolloutRun::Resume(size_t index) {
  Lane& lane = lanes_[index];
  const v1::SegmentRequest& segments = request_.segments();
  lane.episode = 0;
  lane.end = segments.steps();
  if (segments.states().empty()) {
    Reset(index);
    return absl::OkStatus();
  }
  const v1::SlotState& state = segments.states(static_cast<int>(lane.number - segments.begin()));
  lane.episode = state.episode();
  lane.episode_step = state.episode_step();
  lane.steps = state.steps();
  lane.end = state.steps() + segments.steps();
  const absl::Status status =
      environments_.lane(index).RestoreState(state.environment(), environments_.observation(index));
  if (status.ok()) return status;
  return absl::InvalidArgumentError(absl::StrCat("slot ", lane.number, ": ", status.message()));
}

void RolloutRun::Reset(size_t index) {
  const Lane& lane = lanes_[index];
  RandomStream random = ResetStream(request_, lane.number, segments_ ? lane.episode : 0);
  environments_.lane(index).Reset(random, environments_.observation(index));
}

absl::Status RolloutRun::Begin(size_t index) {
  const Lane& lane = lanes_[index];
  const std::span<const float> observation = environments_.observation(index);
  if (!AllFinite(observation)) return Failure(index, NameNotFinite("first observation", observation));
  recorders_[index].Begin(segments_ ? lane.number : 0, lane.episode, lane.episode_step, observation);
  return absl::OkStatus();
}

absl::Status RolloutRun::StepAll(const Cancellation& cancellation) {
  if (absl::Status status = Infer(); !status.ok()) return status;
  ChooseActions();
  if (absl::Status status = StepEnvironments(cancellation); !status.ok()) return status;
  const size_t stepped = active_;
  bool all_go_on = true;
  for (size_t i = 0; i < stepped; ++i) {
    if (absl::Status status = Record(i); !status.ok()) return status;
    all_go_on &= lanes_[i].active;
  }
  if (!all_go_on) MoveUp();
  return absl::OkStatus();
}

absl::Status RolloutRun::Infer() {
  const std::span<float> logits = std::span(logits_).first(active_ * policy_.actions());
  const std::span<float> values = std::span(values_).first(record_value_ ? active_ : 0);
  policy_.Infer(environments_.observations(active_), {.logits = logits, .values = values});
  if (AllFinite(logits) && AllFinite(values)) return absl::OkStatus();
  const std::string owner = absl::StrCat("policy ", request_.policy(), "@", request_.policy_version());
  size_t bad = 0;
  while (AllFinite(Logits(bad)) && AllFinite(Value(bad))) ++bad;
  return Failure(bad, AllFinite(Logits(bad)) ? NameNotFinite("value", Value(bad), owner)
                                             : NameNotFinite("logits", Logits(bad), owner));
}

void RolloutRun::ChooseActions() {
  for (size_t i = 0; i < active_; ++i) {
    const std::span<const float> logits = Logits(i);
    if (greedy_) {
      actions_[i] = GreedyAction(logits);
      log_probs_[i] = static_cast<float>(LogProbability(logits, actions_[i]));
      continue;
    }
    const Lane& lane = lanes_[i];
    RandomStream random = ActionStream(request_, lane.number, segments_ ? lane.steps : lane.episode_step);
    const SampledAction sampled = SampleAction(logits, random.Uniform());
    actions_[i] = sampled.action;
    log_probs_[i] = static_cast<float>(sampled.log_probability);
  }
}

absl::Status RolloutRun::StepEnvironments(const Cancellation& cancellation) {
  for (size_t i = 0; i < active_; ++i) {
    const std::span<const int32_t> action(&actions_[i], 1);
    outcomes_[i] = environments_.lane(i).Step(std::as_bytes(action), environments_.observation(i));
    rewards_[i] = outcomes_[i].reward;
  }
  if (environments_.step_latency() > absl::ZeroDuration()) {
    cancellation.WaitFor(environments_.step_latency());
    if (absl::Status status = cancellation.Check(); !status.ok()) return status;
  }
  const std::span<const float> rewards = std::span(rewards_).first(active_);
  if (AllFinite(rewards) && AllFinite(environments_.observations(active_))) return absl::OkStatus();
  size_t bad = 0;
  while (AllFinite(rewards.subspan(bad, 1)) && AllFinite(environments_.observation(bad))) ++bad;
  const std::span<const float> reward = rewards.subspan(bad, 1);
  return Failure(bad, AllFinite(reward) ? NameNotFinite("observation", environments_.observation(bad))
                                        : NameNotFinite("reward", reward));
}

absl::Status RolloutRun::Record(size_t index) {
  Lane& lane = lanes_[index];
  const StepOutcome& outcome = outcomes_[index];
  TrajectoryRecorder& recorder = recorders_[index];
  recorder.Add({.action = actions_[index],
                .reward = outcome.reward,
                .log_prob = log_probs_[index],
                .logits = record_logits_ ? Logits(index) : std::span<const float>(),
                .value = Value(index),
                .next_observation = environments_.observation(index)});
  ++lane.steps;
  ++lane.episode_step;
  const bool ended = outcome.terminated || outcome.truncated;
  if (!ended && lane.episode_step >= environments_.spec().max_episode_steps()) {
    return Failure(index, absl::StrCat("the episode has not ended after ", lane.episode_step, " steps"));
  }
  if (ended) recorder.End(outcome.terminated, outcome.truncated);
  return segments_ ? ContinueSlot(index, ended) : ContinueEpisode(index, ended);
}

absl::Status RolloutRun::ContinueEpisode(size_t index, bool ended) {
  if (!ended) return absl::OkStatus();
  if (absl::Status status = results_.Add(recorders_[index]); !status.ok()) return status;
  return StartNext(index);
}

absl::Status RolloutRun::ContinueSlot(size_t index, bool ended) {
  Lane& lane = lanes_[index];
  if (ended) {
    ++lane.episode;
    lane.episode_step = 0;
    Reset(index);
  }
  if (lane.steps < lane.end) return ended ? Begin(index) : absl::OkStatus();
  v1::SlotState state;
  state.set_slot(lane.number);
  state.set_steps(lane.steps);
  state.set_episode(lane.episode);
  state.set_episode_step(lane.episode_step);
  state.set_environment(environments_.lane(index).SaveState());
  if (absl::Status status = results_.Add(recorders_[index], std::move(state)); !status.ok()) return status;
  return StartNext(index);
}

void RolloutRun::MoveUp() {
  size_t free = 0;
  for (size_t i = 0; i < active_; ++i) {
    if (!lanes_[i].active) continue;
    if (i != free) {
      environments_.Swap(i, free);
      std::swap(lanes_[i], lanes_[free]);
      std::swap(recorders_[i], recorders_[free]);
    }
    ++free;
  }
  active_ = free;
}

std::span<const float> RolloutRun::Logits(size_t index) const {
  return std::span(logits_).subspan(index * policy_.actions(), policy_.actions());
}

std::span<const float> RolloutRun::Value(size_t index) const {
  return record_value_ ? std::span(values_).subspan(index, 1) : std::span<const float>();
}

absl::Status RolloutRun::Failure(size_t index, const std::string& what) const {
  const Lane& lane = lanes_[index];
  return absl::FailedPreconditionError(absl::StrCat(environments_.spec().name(), ", ", segments_ ? "slot " : "episode ",
                                                    lane.number, ", step ", lane.episode_step, ": ", what));
}

}  // namespace

absl::StatusOr<RolloutWorker> RolloutWorker::Create(const v1::EnvironmentSpec& environment, int width) {
  auto environments = VectorEnvironment::Create(environment, width);
  if (!environments.ok()) return environments.status();
  return RolloutWorker(*std::move(environments));
}

RolloutWorker::RolloutWorker(VectorEnvironment environments) : environments_(std::move(environments)) {}

absl::Status RolloutWorker::Run(const v1::RolloutRequest& request, const Policy& policy, const EmitResult& emit,
                                const Cancellation& cancellation) {
  if (absl::Status status = CheckRequest(request, policy.header(), environment()); !status.ok()) return status;
  return RolloutRun(request, policy, environments_, buffers_, emit).Run(cancellation);
}

}  // namespace understudy
