// The learner's sink: it collects the trajectories of the stage that the learner trains, from the actors that connect.
// (Collect and evaluate stages send theirs to the coordinator's sink.)
#ifndef UNDERSTUDY_LEARNER_LEARNER_SINK_H_
#define UNDERSTUDY_LEARNER_LEARNER_SINK_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/process/cancellation.h"
#include "common/process/mutex.h"
#include "common/process/reminder.h"
#include "common/rollouts/dispatcher.h"
#include "common/rollouts/rollout_service.h"
#include "common/snapshot/policy_snapshot.h"
#include "understudy/v1/policy.pb.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// Serves one training stage at a time. Actors of any other stage or epoch, and fenced ones, are refused with
// FAILED_PRECONDITION.
// Thread-safe.
class LearnerSink final : public RolloutHandler {
 public:
  // --- Stages

  // Begins a stage, after the last one has ended. From now until End its actors are welcome.
  void Begin(const v1::StageKey& stage, const v1::EnvironmentSpec& environment);
  // Ends the stage, and closes the links of all actors. Idempotent.
  void End();
  // Forgets the counts of the stage that has ended.
  void Forget();

  // --- Orders

  // Starts an order: actors are asked for its requests, and act with `policy`. A background order goes to idle actors
  // only.
  // CANCELLED: no stage has begun.
  absl::Status Start(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy, bool background);
  // Waits until an order of this stage is done or has failed, and then drops it. Actors may come and go meanwhile, and
  // stragglers are fenced. Logs a warning once no actor has been connected for two seconds, and again every thirty
  // seconds. Only one call may run at a time.
  // CANCELLED: the stage has ended, or `cancellation` was cancelled. The order is dropped then, too. After cancelling,
  // call Wake, so that Await notices.
  // Any other error: the order's own.
  absl::Status Await(const Order& order, const Cancellation& cancellation);
  // Returns whether Await need not wait: the order is done or has failed, or no stage runs.
  bool Ready(const Order& order) const;
  // Drops an order, done or not. Its trajectories count as rejected, as surplus.
  void Drop(const Order& order);
  // Makes Await look at its cancellation.
  void Wake();

  // --- Counts

  struct ActorStatus {
    int connected = 0;
    // How long Await has been waiting without a connected actor. Zero if an actor is connected, or if Await does not
    // run.
    absl::Duration without_actors;
  };
  ActorStatus actor_status() const;

  // Returns the counts of the current stage's trajectories. While no stage runs, these are the last stage's counts,
  // until Forget. What an order has accepted is left out until the order fails, or ends by Await, Drop or End. Then it
  // counts as accepted, if Await found the order done, and otherwise as surplus.
  v1::TrajectoryAccounting accounting() const;

  struct Observation {
    v1::TrajectoryAccounting trajectories;  // of all stages so far, counted as accounting() does
    int64_t leased = 0;                     // requests that actors hold
    int64_t policy_version = 0;             // of the order that this stage started last; 0: none
  };
  // Returns what metrics show.
  Observation Observe() const;

  // --- Actors: RolloutService calls these.

  void OnConnected(std::shared_ptr<ActorLink> link) override;
  void OnMessage(std::shared_ptr<ActorLink> link, v1::ActorMessage message) override;
  void OnGone(std::shared_ptr<ActorLink> link) override;

 private:
  struct Started {
    std::shared_ptr<Order> order;
    absl::Status status = absl::OkStatus();
  };
  // Returns whether a stage has ended. `stage` is what stages_begun_ was while it ran.
  bool IsOver(int64_t stage) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status StatusOf(const Order& order) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Forgets an order that has ended. `wanted`: its trajectories count as accepted; otherwise they count as surplus.
  void EndOrder(const Order& order, bool wanted) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  v1::TrajectoryAccounting Accounting() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Notes whether Await waits without an actor. To be called when Await begins and after each change of actors.
  void NoteActors(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Does what is due now. Returns when it is to be called again.
  absl::Time Tick(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  CondVar changed_;
  v1::StageKey stage_ ABSL_GUARDED_BY(mutex_);
  int64_t stages_begun_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<Dispatcher> dispatcher_ ABSL_GUARDED_BY(mutex_);
  bool awaiting_ ABSL_GUARDED_BY(mutex_) = false;        // whether Await runs
  std::vector<Started> orders_ ABSL_GUARDED_BY(mutex_);  // that have not ended
  int64_t dropped_ ABSL_GUARDED_BY(mutex_) = 0;          // trajectories of orders that nobody wanted any more
  Reminder without_actors_ ABSL_GUARDED_BY(mutex_){absl::Seconds(2), kReminderInterval};
  v1::TrajectoryAccounting last_accounting_ ABSL_GUARDED_BY(mutex_);  // of the last stage, until Forget
  v1::TrajectoryAccounting earlier_ ABSL_GUARDED_BY(mutex_);          // the sum over all stages that have ended
  int64_t policy_version_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_LEARNER_SINK_H_
