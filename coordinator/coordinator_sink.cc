#include "coordinator/coordinator_sink.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/trajectory/dataset_content.h"
#include "coordinator/dataset_recipe.h"

namespace understudy {
namespace {

// Bytes of columns that are stored together. It bounds what is encoded at a time, and how long others wait for the
// store.
constexpr int64_t kMostSavedBytes = int64_t{32} << 20;

using Save = std::function<absl::Status(const std::vector<TrajectoryView>&)>;

int64_t StepsOf(const std::vector<TrajectoryView>& episodes) {
  int64_t steps = 0;
  for (const TrajectoryView& episode : episodes) steps += episode.trajectory->steps();
  return steps;
}

class CollectSink final : public CoordinatorSink {
 public:
  CollectSink(const std::string& dataset, const v1::DatasetRecipe& recipe, const v1::EnvironmentSpec& environment,
              std::shared_ptr<const PolicySnapshot> policy, std::vector<EpisodeOutcome> finished, Store& store)
      : CoordinatorSink(environment, policy, Options(recipe, policy->header, std::move(finished)),
                        [dataset, recipe, &store](const std::vector<TrajectoryView>& episodes) {
                          return Append(store, dataset, recipe, episodes);
                        }),
        dataset_(dataset),
        store_(store) {}

  absl::StatusOr<StageResult> Finish() override {
    const auto dataset = store_.CompleteDataset(dataset_, order().prefix());
    if (!dataset.ok()) return dataset.status();
    return MakeCollectResult(*dataset);
  }

 private:
  // A stage that was given up may still have results to store, at a time when another dataset has this name.
  static absl::Status Append(Store& store, const std::string& dataset, const v1::DatasetRecipe& recipe,
                             const std::vector<TrajectoryView>& episodes) {
    const absl::StatusOr<v1::Dataset> found = store.GetDataset(dataset);
    if (!found.ok()) return found.status();
    if (found->recipe().SerializeAsString() != recipe.SerializeAsString()) {
      return absl::AbortedError(absl::StrCat("dataset '", dataset, "' was replaced by one of another recipe"));
    }
    return store.AppendEpisodes(dataset, episodes);
  }

  static EpisodeOrderOptions Options(const v1::DatasetRecipe& recipe, const v1::PolicyHeader& policy,
                                     std::vector<EpisodeOutcome> finished) {
    EpisodeOrderOptions options;
    options.finished = std::move(finished);
    options.expectation = ExpectationOf(recipe);
    // The dataset may have been begun with the same policy under another name or version.
    options.expectation.policy = policy.name();
    options.expectation.policy_version = policy.version();
    options.purpose = v1::ROLLOUT_PURPOSE_COLLECTION;
    options.seed = recipe.seed();
    options.episodes = recipe.episodes();
    options.transitions = recipe.transitions();
    return options;
  }

  const std::string dataset_;
  Store& store_;
};

class EvaluateSink final : public CoordinatorSink {
 public:
  EvaluateSink(const StageId& id, const v1::EnvironmentSpec& environment, const v1::EvaluateStage& stage,
               std::shared_ptr<const PolicySnapshot> policy, std::vector<EpisodeOutcome> finished, Store& store)
      : CoordinatorSink(environment, policy, Options(environment, stage, policy->header, std::move(finished)),
                        [id, &store](const std::vector<TrajectoryView>& episodes) {
                          return store.AppendOutcomes(id.experiment, id.stage, OutcomesOf(episodes));
                        }) {}

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
  static EpisodeOrderOptions Options(const v1::EnvironmentSpec& environment, const v1::EvaluateStage& stage,
                                     const v1::PolicyHeader& policy, std::vector<EpisodeOutcome> finished) {
    EpisodeOrderOptions options;
    options.finished = std::move(finished);
    options.expectation = {.environment = environment,
                           .policy = policy.name(),
                           .policy_version = policy.version(),
                           .action_mode = ToActionMode(stage.actions())};
    options.purpose = v1::ROLLOUT_PURPOSE_EVALUATION;
    options.seed = stage.seed();
    options.episodes = stage.episodes();
    return options;
  }

  static std::vector<EpisodeOutcome> OutcomesOf(const std::vector<TrajectoryView>& episodes) {
    std::vector<EpisodeOutcome> outcomes;
    for (const TrajectoryView& episode : episodes) {
      outcomes.push_back({episode.trajectory->episode(), episode.trajectory->steps(), UndiscountedReturn(episode)});
    }
    return outcomes;
  }
};

v1::StageProgress InitialProgress(const EpisodeOrderOptions& options) {
  v1::StageProgress progress;
  progress.set_unit(options.transitions > 0 ? "transitions" : "episodes");
  progress.set_total(options.transitions > 0 ? options.transitions : options.episodes);
  return progress;
}

// Returns options with which the order leaves new episodes in `arrived`. They count once they are stored.
EpisodeOrderOptions Collecting(EpisodeOrderOptions options, std::vector<TrajectoryView>& arrived) {
  options.on_episodes = [&arrived](const std::vector<TrajectoryView>& episodes) {
    arrived = episodes;
    return absl::OkStatus();
  };
  return options;
}

}  // namespace

CoordinatorSink::CoordinatorSink(const v1::EnvironmentSpec& environment, std::shared_ptr<const PolicySnapshot> policy,
                                 EpisodeOrderOptions options, Save save)
    : policy_(std::move(policy)),
      save_(std::move(save)),
      progress_(InitialProgress(options)),
      by_transitions_(options.transitions > 0),
      accepted_before_(static_cast<int64_t>(options.finished.size())),
      dispatcher_(environment) {
  int64_t steps = 0;
  for (const EpisodeOutcome& episode : options.finished) steps += episode.steps;
  CountSaved(accepted_before_, steps);
  order_ = std::make_shared<EpisodeOrder>(Collecting(std::move(options), arrived_));
  // No actor is connected yet, so the time does not matter.
  dispatcher_.Start(order_, policy_, absl::InfinitePast());
}

CoordinatorSink::~CoordinatorSink() { dispatcher_.CloseAll(absl::OkStatus()); }

void CoordinatorSink::CountSaved(int64_t episodes, int64_t steps) {
  progress_.set_steps(progress_.steps() + steps);
  progress_.set_done(std::min(progress_.done() + (by_transitions_ ? steps : episodes), progress_.total()));
}

absl::Status CoordinatorSink::Connect(std::shared_ptr<ActorLink> actor, absl::Time now) {
  // Otherwise an actor that sends a result, breaks off and comes again would fill the memory while the disk is slow.
  if (unsaved_.size() > static_cast<size_t>(dispatcher_.actors())) {
    return absl::UnavailableError("results of actors that have gone are still being saved: come again");
  }
  return dispatcher_.Connect(std::move(actor), now);
}

absl::Status CoordinatorSink::Receive(ActorLink& actor, std::shared_ptr<v1::ActorMessage> message, absl::Time now) {
  arrived_.clear();
  auto receipt = dispatcher_.ReceiveUnconfirmed(actor, *message, now);
  if (absl::IsInvalidArgument(receipt.status())) {
    dispatcher_.Disconnect(actor, now);
    actor.Close(receipt.status());
    return absl::OkStatus();
  }
  if (!receipt.ok()) return receipt.status();
  if (!receipt->has_value()) {
    actor.ReadNext();
  } else if (arrived_.empty()) {
    Confirm(**receipt);
  } else {
    unsaved_.push_back({std::move(message), std::exchange(arrived_, {}), **std::move(receipt)});
  }
  return absl::OkStatus();
}

std::shared_ptr<const UnsavedResults> CoordinatorSink::TakeUnsaved() {
  if (saving_ || unsaved_.empty()) return nullptr;
  saving_ = true;
  auto taken = std::make_shared<UnsavedResults>();
  taken->save = save_;
  for (int64_t bytes = 0; !unsaved_.empty() && bytes < kMostSavedBytes; unsaved_.pop_front()) {
    Unsaved& next = unsaved_.front();
    bytes += static_cast<int64_t>(next.message->ByteSizeLong());
    taken->episodes.insert(taken->episodes.end(), next.episodes.begin(), next.episodes.end());
    taken->messages.push_back(std::move(next.message));
    taken->receipts.push_back(std::move(next.receipt));
  }
  return taken;
}

void CoordinatorSink::NoteSaved(const UnsavedResults& results) {
  saving_ = false;
  CountSaved(static_cast<int64_t>(results.episodes.size()), StepsOf(results.episodes));
  for (const Dispatcher::Receipt& receipt : results.receipts) Confirm(receipt);
}

void CoordinatorSink::Confirm(const Dispatcher::Receipt& receipt) {
  dispatcher_.Confirm(receipt);
  receipt.actor->ReadNext();
}

v1::TrajectoryAccounting CoordinatorSink::accounting() const {
  v1::TrajectoryAccounting accounting = dispatcher_.accounting();
  accounting.set_produced(accounting.produced() + accepted_before_);
  accounting.set_accepted(accounting.accepted() + accepted_before_);
  return accounting;
}

absl::StatusOr<std::unique_ptr<CoordinatorSink>> MakeCollectSink(const std::string& dataset,
                                                                 const v1::DatasetRecipe& recipe,
                                                                 const v1::EnvironmentSpec& environment,
                                                                 std::shared_ptr<const PolicySnapshot> policy,
                                                                 Store& store) {
  auto finished = store.ListEpisodes(dataset);
  if (!finished.ok()) return finished.status();
  return std::make_unique<CollectSink>(dataset, recipe, environment, std::move(policy), *std::move(finished), store);
}

absl::StatusOr<std::unique_ptr<CoordinatorSink>> MakeEvaluateSink(const StageId& id,
                                                                  const v1::EnvironmentSpec& environment,
                                                                  const v1::EvaluateStage& stage,
                                                                  std::shared_ptr<const PolicySnapshot> policy,
                                                                  Store& store) {
  auto finished = store.ListOutcomes(id.experiment, id.stage);
  if (!finished.ok()) return finished.status();
  return std::make_unique<EvaluateSink>(id, environment, stage, std::move(policy), *std::move(finished), store);
}

}  // namespace understudy
