#include "coordinator/rollout_stage.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "coordinator/demonstrations.h"

namespace understudy {
namespace {

BatchExpectation Expect(const v1::EnvironmentSpec& environment, const v1::PolicyHeader& policy, v1::ActionMode mode) {
  BatchExpectation expectation;
  expectation.environment = environment;
  expectation.policy = policy.name();
  expectation.policy_version = policy.version();
  expectation.action_mode = mode;
  return expectation;
}

class CollectRollouts final : public RolloutStage {
 public:
  CollectRollouts(const std::string& dataset, const v1::DatasetRecipe& recipe,
                  std::shared_ptr<const PolicySnapshot> policy, std::vector<EpisodeOutcome> finished, Store& store)
      : RolloutStage(recipe.environment(), policy,
                     Options(dataset, recipe, policy->header, std::move(finished), store)),
        dataset_(dataset),
        store_(store) {}

  absl::StatusOr<StageResult> Finish() override {
    const auto dataset = store_.CompleteDataset(dataset_, order().prefix());
    if (!dataset.ok()) return dataset.status();
    return MakeCollectResult(*dataset);
  }

 private:
  static EpisodeOrderOptions Options(const std::string& dataset, const v1::DatasetRecipe& recipe,
                                     const v1::PolicyHeader& policy, std::vector<EpisodeOutcome> finished,
                                     Store& store) {
    EpisodeOrderOptions options;
    options.finished = std::move(finished);
    options.expectation = Expect(recipe.environment(), policy, recipe.action_mode());
    for (const int record : recipe.record()) {
      options.expectation.record_logits |= record == v1::RECORD_LOGITS;
      options.expectation.record_value |= record == v1::RECORD_VALUE;
    }
    options.seed = recipe.seed();
    options.episodes = recipe.episodes();
    options.transitions = recipe.transitions();
    options.on_episodes = [dataset, &store](const std::vector<TrajectoryView>& episodes) {
      return store.AppendEpisodes(dataset, episodes);
    };
    return options;
  }

  const std::string dataset_;
  Store& store_;
};

class EvaluateRollouts final : public RolloutStage {
 public:
  EvaluateRollouts(const StageId& id, const v1::EnvironmentSpec& environment, const v1::EvaluateStage& stage,
                   std::shared_ptr<const PolicySnapshot> policy, std::vector<EpisodeOutcome> finished, Store& store)
      : RolloutStage(environment, policy, Options(id, environment, stage, policy->header, std::move(finished), store)) {
  }

  absl::StatusOr<StageResult> Finish() override {
    const EpisodeSummary summary = order().Summary();
    v1::EvaluateResult result;
    result.set_policy(policy().header.name());
    result.set_policy_version(policy().header.version());
    result.set_episodes(summary.episodes);
    result.set_mean_return(summary.mean_return);
    result.set_std_return(summary.std_return);
    result.set_min_return(summary.min_return);
    result.set_max_return(summary.max_return);
    return result;
  }

 private:
  static EpisodeOrderOptions Options(const StageId& id, const v1::EnvironmentSpec& environment,
                                     const v1::EvaluateStage& stage, const v1::PolicyHeader& policy,
                                     std::vector<EpisodeOutcome> finished, Store& store) {
    EpisodeOrderOptions options;
    options.finished = std::move(finished);
    options.expectation = Expect(environment, policy, ToActionMode(stage.actions()));
    options.seed = stage.seed();
    options.episodes = stage.episodes();
    options.on_episodes = [id, &store](const std::vector<TrajectoryView>& episodes) {
      std::vector<EpisodeOutcome> outcomes;
      for (const TrajectoryView& episode : episodes) {
        outcomes.push_back({episode.trajectory->episode(), episode.trajectory->steps(), UndiscountedReturn(episode)});
      }
      return store.AppendOutcomes(id.experiment, id.stage, outcomes);
    };
    return options;
  }
};

// Counts what arrives, before `options.on_episodes` hears of it.
EpisodeOrderOptions Counting(EpisodeOrderOptions options, v1::StageProgress& progress) {
  const bool by_transitions = options.transitions > 0;
  progress.set_unit(by_transitions ? "transitions" : "episodes");
  progress.set_total(by_transitions ? options.transitions : options.episodes);
  for (const EpisodeOutcome& episode : options.finished) progress.set_steps(progress.steps() + episode.steps);
  const int64_t finished = by_transitions ? progress.steps() : static_cast<int64_t>(options.finished.size());
  progress.set_done(std::min(finished, progress.total()));
  options.on_episodes = [&progress, by_transitions, next = std::move(options.on_episodes)](
                            const std::vector<TrajectoryView>& episodes) -> absl::Status {
    const absl::Status status = next ? next(episodes) : absl::OkStatus();
    if (!status.ok()) return status;
    int64_t steps = 0;
    for (const TrajectoryView& episode : episodes) steps += episode.trajectory->steps();
    progress.set_steps(progress.steps() + steps);
    const int64_t done = progress.done() + (by_transitions ? steps : static_cast<int64_t>(episodes.size()));
    progress.set_done(std::min(done, progress.total()));
    return absl::OkStatus();
  };
  return options;
}

}  // namespace

RolloutStage::RolloutStage(const v1::EnvironmentSpec& environment, std::shared_ptr<const PolicySnapshot> policy,
                           EpisodeOrderOptions options)
    : policy_(std::move(policy)),
      accepted_before_(static_cast<int64_t>(options.finished.size())),
      order_(std::make_shared<EpisodeOrder>(Counting(std::move(options), progress_))),
      dispatcher_(environment) {
  // Nobody is connected, nobody is asked: the time does not matter.
  dispatcher_.Add(order_, policy_, absl::InfinitePast());
}

RolloutStage::~RolloutStage() { dispatcher_.CloseAll(absl::OkStatus()); }

absl::Status RolloutStage::Receive(ActorLink& actor, const v1::ActorMessage& message, absl::Time now) {
  const absl::Status received = dispatcher_.Receive(actor, message, now);
  if (received.ok()) actor.ReadNext();
  if (!absl::IsInvalidArgument(received)) return received;
  dispatcher_.Disconnect(actor, now);
  actor.Close(received);
  return absl::OkStatus();
}

v1::StageProgress RolloutStage::progress() const { return progress_; }

v1::TrajectoryAccounting RolloutStage::accounting() const {
  v1::TrajectoryAccounting accounting = dispatcher_.accounting();
  accounting.set_produced(accounting.produced() + accepted_before_);
  accounting.set_accepted(accounting.accepted() + accepted_before_);
  return accounting;
}

absl::StatusOr<std::unique_ptr<RolloutStage>> MakeCollectStage(const std::string& dataset,
                                                               const v1::DatasetRecipe& recipe,
                                                               std::shared_ptr<const PolicySnapshot> policy,
                                                               Store& store) {
  auto finished = store.ListEpisodes(dataset);
  if (!finished.ok()) return finished.status();
  return std::make_unique<CollectRollouts>(dataset, recipe, std::move(policy), *std::move(finished), store);
}

absl::StatusOr<std::unique_ptr<RolloutStage>> MakeEvaluateStage(const StageId& id,
                                                                const v1::EnvironmentSpec& environment,
                                                                const v1::EvaluateStage& stage,
                                                                std::shared_ptr<const PolicySnapshot> policy,
                                                                Store& store) {
  auto finished = store.ListOutcomes(id.experiment, id.stage);
  if (!finished.ok()) return finished.status();
  return std::make_unique<EvaluateRollouts>(id, environment, stage, std::move(policy), *std::move(finished), store);
}

}  // namespace understudy
