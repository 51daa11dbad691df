#include "actor/rollout_worker.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "actor/finite.h"
#include "actor/request_check.h"
#include "actor/result_builder.h"
#include "common/policy/categorical.h"
#include "common/random/random_stream.h"

namespace understudy {
namespace {

bool Records(const v1::RolloutRequest& request, v1::Record wanted) {
  return std::find(request.record().begin(), request.record().end(), wanted) != request.record().end();
}

// What a lane works on. Episodes: `number` is the episode; segments: it is the slot, and `steps` counts towards `end`.
struct Lane {
  bool active = false;
  int64_t number = 0;
  int64_t episode = 0;
  int64_t episode_step = 0;
  int64_t steps = 0;
  int64_t end = 0;
};

// One request, from its beginning to its end.
class RolloutRun {
 public:
  RolloutRun(const v1::RolloutRequest& request, const Policy& policy, VectorEnvironment& environments,
             std::vector<TrajectoryRecorder>& recorders, const EmitResult& emit)
      : request_(request),
        policy_(policy),
        environments_(environments),
        recorders_(recorders),
        record_logits_(Records(request, v1::RECORD_LOGITS)),
        record_value_(Records(request, v1::RECORD_VALUE)),
        next_(request.has_segments() ? request.segments().begin() : request.episodes().begin()),
        end_(request.has_segments() ? request.segments().end() : request.episodes().end()),
        lanes_(static_cast<size_t>(environments.width())),
        logits_(lanes_.size() * policy.actions()),
        values_(record_value_ ? lanes_.size() : 0),
        results_(request, environments.spec().name(), emit) {}

  absl::Status Run(const Cancellation& cancellation) {
    for (int i = 0; i < environments_.width(); ++i) {
      if (absl::Status status = StartNext(i); !status.ok()) return status;
    }
    while (active_ > 0) {
      if (absl::Status status = cancellation.Check(); !status.ok()) return status;
      if (absl::Status status = StepAll(); !status.ok()) return status;
    }
    return results_.Finish();
  }

 private:
  // Gives a lane the next number, or lets it rest.
  absl::Status StartNext(int index) {
    Lane& lane = lanes_[static_cast<size_t>(index)];
    active_ -= lane.active ? 1 : 0;
    lane = {.active = next_ < end_, .number = next_, .episode = next_};
    if (!lane.active) {
      environments_.Idle(index);
      return absl::OkStatus();
    }
    ++active_;
    ++next_;
    if (request_.has_segments()) {
      if (absl::Status status = Resume(index); !status.ok()) return status;
    } else {
      Reset(index);
    }
    return Begin(index);
  }

  // Takes a slot up where it stands.
  absl::Status Resume(int index) {
    Lane& lane = lanes_[static_cast<size_t>(index)];
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

  void Reset(int index) {
    const Lane& lane = lanes_[static_cast<size_t>(index)];
    const auto number = static_cast<uint64_t>(lane.number);
    RandomStream random =
        request_.has_segments()
            ? RandomStream(request_.seed(), RandomPurpose::kSlotReset, number, static_cast<uint64_t>(lane.episode))
            : RandomStream(request_.seed(), RandomPurpose::kEpisodeReset, number, 0);
    environments_.lane(index).Reset(random, environments_.observation(index));
  }

  absl::Status Begin(int index) {
    const Lane& lane = lanes_[static_cast<size_t>(index)];
    const std::span<const float> observation = environments_.observation(index);
    if (!AllFinite(observation)) return Failure(lane, NameNotFinite("first observation", observation));
    recorders_[static_cast<size_t>(index)].Begin(request_.has_segments() ? lane.number : 0, lane.episode,
                                                 lane.episode_step, observation);
    return absl::OkStatus();
  }

  absl::Status StepAll() {
    policy_.Infer(environments_.observations(), {.logits = logits_, .values = values_});
    const size_t actions = policy_.actions();
    for (int i = 0; i < environments_.width(); ++i) {
      if (!lanes_[static_cast<size_t>(i)].active) continue;
      const auto lane = static_cast<size_t>(i);
      const std::span<const float> row = std::span(logits_).subspan(lane * actions, actions);
      const std::span<const float> value =
          record_value_ ? std::span(values_).subspan(lane, 1) : std::span<const float>();
      if (absl::Status status = Step(i, row, value); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  int32_t ChooseAction(const Lane& lane, std::span<const float> logits) const {
    if (request_.action_mode() == v1::ACTION_MODE_GREEDY) return GreedyAction(logits);
    const auto purpose = request_.has_segments() ? RandomPurpose::kSlotAction : RandomPurpose::kEpisodeAction;
    const int64_t step = request_.has_segments() ? lane.steps : lane.episode_step;
    RandomStream random(request_.seed(), purpose, static_cast<uint64_t>(lane.number), static_cast<uint64_t>(step));
    return SampleAction(logits, random.Uniform());
  }

  absl::Status Step(int index, std::span<const float> logits, std::span<const float> value) {
    Lane& lane = lanes_[static_cast<size_t>(index)];
    if (!AllFinite(logits)) return Failure(lane, NameNotFinite("logits", logits, PolicyText()));
    if (!AllFinite(value)) return Failure(lane, NameNotFinite("value", value, PolicyText()));
    const int32_t action = ChooseAction(lane, logits);
    const std::span<float> observation = environments_.observation(index);
    const StepOutcome outcome =
        environments_.lane(index).Step(std::as_bytes(std::span<const int32_t>(&action, 1)), observation);
    const std::span<const float> reward(&outcome.reward, 1);
    if (!AllFinite(reward)) return Failure(lane, NameNotFinite("reward", reward));
    if (!AllFinite(observation)) return Failure(lane, NameNotFinite("observation", observation));
    TrajectoryRecorder& recorder = recorders_[static_cast<size_t>(index)];
    recorder.Add({.action = action,
                  .reward = outcome.reward,
                  .log_prob = static_cast<float>(LogProbability(logits, action)),
                  .logits = record_logits_ ? logits : std::span<const float>(),
                  .value = value,
                  .next_observation = observation});
    ++lane.steps;
    ++lane.episode_step;
    const bool ended = outcome.terminated || outcome.truncated;
    if (!ended && lane.episode_step >= environments_.spec().max_episode_steps()) {
      return Failure(lane, absl::StrCat("the episode has not ended after ", lane.episode_step, " steps"));
    }
    if (ended) recorder.End(outcome.terminated, outcome.truncated);
    return request_.has_segments() ? ContinueSlot(index, ended) : ContinueEpisode(index, ended);
  }

  absl::Status ContinueEpisode(int index, bool ended) {
    if (!ended) return absl::OkStatus();
    if (absl::Status status = results_.Add(recorders_[static_cast<size_t>(index)]); !status.ok()) return status;
    return StartNext(index);
  }

  absl::Status ContinueSlot(int index, bool ended) {
    Lane& lane = lanes_[static_cast<size_t>(index)];
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
    if (absl::Status status = results_.Add(recorders_[static_cast<size_t>(index)], std::move(state)); !status.ok()) {
      return status;
    }
    return StartNext(index);
  }

  std::string PolicyText() const { return absl::StrCat("policy ", request_.policy(), "@", request_.policy_version()); }

  absl::Status Failure(const Lane& lane, const std::string& what) const {
    return absl::FailedPreconditionError(absl::StrCat(environments_.spec().name(), ", ",
                                                      request_.has_segments() ? "slot " : "episode ", lane.number,
                                                      ", step ", lane.episode_step, ": ", what));
  }

  const v1::RolloutRequest& request_;
  const Policy& policy_;
  VectorEnvironment& environments_;
  std::vector<TrajectoryRecorder>& recorders_;
  const bool record_logits_;
  const bool record_value_;
  int64_t next_;
  const int64_t end_;
  std::vector<Lane> lanes_;
  std::vector<float> logits_;
  std::vector<float> values_;
  int active_ = 0;
  ResultBuilder results_;
};

}  // namespace

absl::StatusOr<RolloutWorker> RolloutWorker::Create(const v1::EnvironmentSpec& environment, int width) {
  auto environments = VectorEnvironment::Create(environment, width);
  if (!environments.ok()) return environments.status();
  return RolloutWorker(*std::move(environments));
}

RolloutWorker::RolloutWorker(VectorEnvironment environments)
    : environments_(std::move(environments)), recorders_(static_cast<size_t>(environments_.width())) {}

absl::Status RolloutWorker::Run(const v1::RolloutRequest& request, const Policy& policy, const EmitResult& emit,
                                const Cancellation& cancellation) {
  if (absl::Status status = CheckRequest(request, policy.header(), environment()); !status.ok()) return status;
  // An earlier request may have been cancelled half-way.
  for (TrajectoryRecorder& recorder : recorders_) recorder.Clear();
  return RolloutRun(request, policy, environments_, recorders_, emit).Run(cancellation);
}

}  // namespace understudy
