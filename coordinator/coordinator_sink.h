// The coordinator's sink: it collects the episodes of a running collect or evaluate stage from the stage's actors.
// (A training stage's trajectories go to the learner's sink.)
#ifndef UNDERSTUDY_COORDINATOR_COORDINATOR_SINK_H_
#define UNDERSTUDY_COORDINATOR_COORDINATOR_SINK_H_

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

// Results that have come, and whose episodes are to be stored before they are acknowledged.
struct UnsavedResults {
  std::vector<std::shared_ptr<const v1::ActorMessage>> messages;  // that `episodes` point into
  std::vector<TrajectoryView> episodes;
  std::vector<Dispatcher::Receipt> receipts;
  std::function<absl::Status(const std::vector<TrajectoryView>&)> save;

  // Stores the episodes, on any thread. The store's error.
  absl::Status Save() const { return save(episodes); }
};

// A sink of one stage has one order of episodes. A result passes through it so: Receive judges the result and keeps it;
// TakeUnsaved hands all results that have come to a thread that stores them; NoteSaved counts and acknowledges them.
//
// Thread-compatible; no gRPC. Only making a sink and Finish wait for the disk. Every link that was connected must be
// disconnected when it has gone.
class CoordinatorSink {
 public:
  // Closes the links of all actors.
  virtual ~CoordinatorSink();

  // --- Actors

  // Connects an actor, which is greeted and asked for work.
  // FAILED_PRECONDITION: its worker is fenced. UNAVAILABLE: too many results wait to be stored; it may come again. It
  // is not connected then.
  absl::Status Connect(std::shared_ptr<ActorLink> actor, absl::Time now);
  // Forgets an actor that has gone, if it is connected.
  void Disconnect(const ActorLink& actor, absl::Time now) { dispatcher_.Disconnect(actor, now); }

  // --- Results

  // Receives a message of an actor. The actor's next message is let in once this one is acknowledged. A malformed
  // message only closes the actor's link. An error is the failure of the stage.
  absl::Status Receive(ActorLink& actor, std::shared_ptr<v1::ActorMessage> message, absl::Time now);

  // Returns what is to be stored now; nullptr: nothing, or what was returned last is not stored yet. If storing
  // succeeds the caller calls NoteSaved with it; if not, the stage has failed.
  std::shared_ptr<const UnsavedResults> TakeUnsaved();
  void NoteSaved(const UnsavedResults& results);

  // Whether all that the stage wants has come, and is stored.
  bool done() const { return order_->done() && unsaved_.empty() && !saving_; }

  // Returns the result of a stage that is done, once the store has all of it. An error is the failure of the stage,
  // except for UNAVAILABLE, after which it may be called again.
  virtual absl::StatusOr<StageResult> Finish() = 0;

  // --- Time

  // Fences stragglers (Dispatcher). To be called at next_fencing().
  void FenceStragglers(absl::Time now) { dispatcher_.FenceStragglers(now); }
  absl::Time next_fencing() const { return dispatcher_.next_fencing(); }

  // --- Counts

  // Returns how far the stage has come, counting only what is stored.
  v1::StageProgress progress() const { return progress_; }
  // Returns the counts of all trajectories of the stage. Those that the store had before count as accepted.
  v1::TrajectoryAccounting accounting() const;
  // Returns the counts of the trajectories that came to this sink.
  const v1::TrajectoryAccounting& received() const { return dispatcher_.accounting(); }
  // Returns how many requests the actors hold.
  int64_t leased() const { return dispatcher_.leased(); }
  // Returns how many actors are connected.
  int connected() const { return dispatcher_.actors(); }

 protected:
  // `save` may be called on any thread, also after the sink is gone.
  CoordinatorSink(const v1::EnvironmentSpec& environment, std::shared_ptr<const PolicySnapshot> policy,
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
  std::deque<Unsaved> unsaved_;          // never more than the actors that were connected at a time
  bool saving_ = false;
};

// Makes the sink of a collect stage, which records demonstrations. The dataset must exist with this recipe, and not be
// complete; the sink collects what is missing. `environment` is the recipe's, with options that are not part of a
// recipe. The store's error.
absl::StatusOr<std::unique_ptr<CoordinatorSink>> MakeCollectSink(const std::string& dataset,
                                                                 const v1::DatasetRecipe& recipe,
                                                                 const v1::EnvironmentSpec& environment,
                                                                 std::shared_ptr<const PolicySnapshot> policy,
                                                                 Store& store);

// Makes the sink of an evaluate stage, which stores the outcomes of episodes under `id`, and collects what is missing.
// The store's error.
absl::StatusOr<std::unique_ptr<CoordinatorSink>> MakeEvaluateSink(const StageId& id,
                                                                  const v1::EnvironmentSpec& environment,
                                                                  const v1::EvaluateStage& stage,
                                                                  std::shared_ptr<const PolicySnapshot> policy,
                                                                  Store& store);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_COORDINATOR_SINK_H_
