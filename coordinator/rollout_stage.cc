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
                  std::shared_ptr<const PolicySnapshot> policy, Store& store)
      : RolloutStage(recipe.environment(), policy, Options(dataset, recipe, policy->header, store)),
        dataset_(dataset),
        store_(store) {}

  absl::StatusOr<StageResult> Finish() override {
    const auto dataset = store_.CompleteDataset(dataset_, order().prefix());
    if (!dataset.ok()) return dataset.status();
    return MakeCollectResult(*dataset);
  }

  void Abandon() override {
    // What cannot be deleted now is when the coordinator starts again.
    store_.DeleteDataset(dataset_).IgnoreError();
  }

 private:
  static EpisodeOrderOptions Options(const std::string& dataset, const v1::DatasetRecipe& recipe,
                                     const v1::PolicyHeader& policy, Store& store) {
    EpisodeOrderOptions options;
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
  EvaluateRollouts(const v1::EnvironmentSpec& environment, const v1::EvaluateStage& stage,
                   std::shared_ptr<const PolicySnapshot> policy)
      : RolloutStage(environment, policy, Options(environment, stage, policy->header)) {}

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

  void Abandon() override {}

 private:
  static EpisodeOrderOptions Options(const v1::EnvironmentSpec& environment, const v1::EvaluateStage& stage,
                                     const v1::PolicyHeader& policy) {
    EpisodeOrderOptions options;
    options.expectation = Expect(environment, policy, ToActionMode(stage.actions()));
    options.seed = stage.seed();
    options.episodes = stage.episodes();
    return options;
  }
};

// Counts what arrives, before `options.on_episodes` hears of it.
EpisodeOrderOptions Counting(EpisodeOrderOptions options, v1::StageProgress& progress) {
  const bool by_transitions = options.transitions > 0;
  progress.set_unit(by_transitions ? "transitions" : "episodes");
  progress.set_total(by_transitions ? options.transitions : options.episodes);
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
  actor.Close(received);
  return absl::OkStatus();
}

v1::StageProgress RolloutStage::progress() const { return progress_; }

std::unique_ptr<RolloutStage> MakeCollectStage(const std::string& dataset, const v1::DatasetRecipe& recipe,
                                               std::shared_ptr<const PolicySnapshot> policy, Store& store) {
  return std::make_unique<CollectRollouts>(dataset, recipe, std::move(policy), store);
}

std::unique_ptr<RolloutStage> MakeEvaluateStage(const v1::EnvironmentSpec& environment, const v1::EvaluateStage& stage,
                                                std::shared_ptr<const PolicySnapshot> policy) {
  return std::make_unique<EvaluateRollouts>(environment, stage, std::move(policy));
}

}  // namespace understudy
