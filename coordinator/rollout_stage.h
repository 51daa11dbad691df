// A running collect or evaluate stage: the coordinator as the sink of its actors.
#ifndef UNDERSTUDY_COORDINATOR_ROLLOUT_STAGE_H_
#define UNDERSTUDY_COORDINATOR_ROLLOUT_STAGE_H_

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rollouts/dispatcher.h"
#include "common/rollouts/episode_order.h"
#include "common/snapshot/policy_snapshot.h"
#include "coordinator/scheduling/experiment_machine.h"
#include "coordinator/scheduling/stage_id.h"
#include "coordinator/storage/store.h"

namespace understudy {

// Results whose episodes are to be made durable, and acknowledged then. Save may be called on any thread.
struct UnsavedResults {
  std::vector<std::shared_ptr<const v1::ActorMessage>> messages;  // what the views are of
  std::vector<TrajectoryView> episodes;
  std::vector<Dispatcher::Receipt> receipts;
  std::function<absl::Status(const std::vector<TrajectoryView>&)> save;

  absl::Status Save() const { return save(episodes); }
};

// Thread-compatible; no gRPC; nothing waits for the disk but making and finishing a stage: results are collected, saved
// by others, all that have come meanwhile together, and acknowledged. Every link that is connected must be disconnected
// when it has gone.
class RolloutStage {
 public:
  virtual ~RolloutStage();

  // FAILED_PRECONDITION: the actor is fenced, and not connected. UNAVAILABLE: nor is it for the moment, as it may be
  // later.
  absl::Status Connect(std::shared_ptr<ActorLink> actor, absl::Time now) {
    // Else whoever sends a result, breaks off and comes again, fills the memory while the disk is slow.
    if (unsaved_.size() > static_cast<size_t>(dispatcher_.actors())) {
      return absl::UnavailableError("results of actors that have gone are still being saved: come again");
    }
    return dispatcher_.Connect(std::move(actor), now);
  }
  void Disconnect(const ActorLink& actor, absl::Time now) { dispatcher_.Disconnect(actor, now); }

  // A message of a connected actor, whose next one is let in when this one is acknowledged. A malformed one closes its
  // link, and is nobody else's business: OK. An error is the stage's failure.
  absl::Status Receive(ActorLink& actor, std::shared_ptr<v1::ActorMessage> message, absl::Time now);

  // What is to be saved now, for `Saved` once it is; nullptr: nothing, or what was taken before is not saved yet. Where
  // saving fails, so does the stage.
  std::shared_ptr<const UnsavedResults> TakeUnsaved();
  void Saved(const UnsavedResults& results);

  // Fences stragglers: see Dispatcher. To be called at next_fencing().
  void FenceStragglers(absl::Time now) { dispatcher_.FenceStragglers(now); }
  absl::Time next_fencing() const { return dispatcher_.next_fencing(); }

  // All that was wanted is there, and saved.
  bool done() const { return order_->done() && unsaved_.empty() && !saving_; }

  // Once done. What it made is durable then; an error is the stage's failure.
  virtual absl::StatusOr<StageResult> Finish() = 0;

  v1::StageProgress progress() const;

  // What became of the trajectories that came. Those that the store had already count as accepted: the result is made
  // of them, too.
  v1::TrajectoryAccounting accounting() const;
  // The same without those.
  const v1::TrajectoryAccounting& received() const { return dispatcher_.accounting(); }
  int64_t leased() const { return dispatcher_.leased(); }
  int connected() const { return dispatcher_.actors(); }

 protected:
  // `save` must be good for any thread, also when the stage is gone.
  RolloutStage(const v1::EnvironmentSpec& environment, std::shared_ptr<const PolicySnapshot> policy,
               EpisodeOrderOptions options, std::function<absl::Status(const std::vector<TrajectoryView>&)> save);
  const PolicySnapshot& policy() const { return *policy_; }
  const EpisodeOrder& order() const { return *order_; }

 private:
  struct Unsaved {
    std::shared_ptr<const v1::ActorMessage> message;
    std::vector<TrajectoryView> episodes;
    Dispatcher::Receipt receipt;
  };
  void Confirm(const Dispatcher::Receipt& receipt);
  void CountSaved(int64_t episodes, int64_t steps);

  const std::shared_ptr<const PolicySnapshot> policy_;
  const std::function<absl::Status(const std::vector<TrajectoryView>&)> save_;
  v1::StageProgress progress_;
  const bool by_transitions_;
  const int64_t accepted_before_;
  std::shared_ptr<EpisodeOrder> order_;
  Dispatcher dispatcher_;
  std::vector<TrajectoryView> arrived_;  // new episodes of the message that is being received
  std::deque<Unsaved> unsaved_;          // no more than there have been actors at a time
  bool saving_ = false;
};

// Records demonstrations: episodes are durable before they are acknowledged. The dataset must exist, with this recipe,
// and not be complete: what it has is kept. `environment`: the recipe's, with options that are no part of it. The
// store's error.
absl::StatusOr<std::unique_ptr<RolloutStage>> MakeCollectStage(const std::string& dataset,
                                                               const v1::DatasetRecipe& recipe,
                                                               const v1::EnvironmentSpec& environment,
                                                               std::shared_ptr<const PolicySnapshot> policy,
                                                               Store& store);

// Outcomes of episodes are durable before they are acknowledged, under `id`, and kept. The store's error.
absl::StatusOr<std::unique_ptr<RolloutStage>> MakeEvaluateStage(const StageId& id,
                                                                const v1::EnvironmentSpec& environment,
                                                                const v1::EvaluateStage& stage,
                                                                std::shared_ptr<const PolicySnapshot> policy,
                                                                Store& store);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_ROLLOUT_STAGE_H_
