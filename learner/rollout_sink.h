// The learner's end of rollouts: actors connect to it, and orders run to their end on whoever is there.
#ifndef UNDERSTUDY_LEARNER_ROLLOUT_SINK_H_
#define UNDERSTUDY_LEARNER_ROLLOUT_SINK_H_

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

// Thread-safe. Serves one stage at a time; actors of any other stage or epoch are refused with FAILED_PRECONDITION.
class RolloutSink final : public RolloutHandler {
 public:
  // From now on actors of this stage are welcome, until End.
  void Begin(const v1::StageKey& stage, const v1::EnvironmentSpec& environment);
  // Lets all actors go. Idempotent.
  void End();
  // After End: forgets the stage that was.
  void Forget();

  struct ActorStatus {
    int connected = 0;
    // How long an order has been waiting without any connected actor; zero: none is.
    absl::Duration without_actors;
  };
  ActorStatus actor_status() const;

  // What became of the trajectories that came, since Begin; after End, of the stage that was, until Forget. Those of
  // orders that have not ended are not counted yet; those of dropped ones are surplus.
  v1::TrajectoryAccounting accounting() const;

  // For who watches.
  struct Observation {
    v1::TrajectoryAccounting trajectories;  // of all stages so far; orders that have not ended are not counted yet
    int64_t leased = 0;                     // requests that actors have
    int64_t policy_version = 0;             // last asked for, in the background or not; 0: none
  };
  Observation Observe() const;

  // Has actors begin with an order, as TrainingContext::Start explains. CANCELLED: the stage is over.
  absl::Status Start(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy, bool background);

  // Runs an order that was started to its end, whoever comes and goes meanwhile; fences stragglers. While nobody is
  // there the log says so, after two seconds and then every thirty. CANCELLED with the cancellation's reason once Wake
  // has been called after cancelling; otherwise the order's own error. One call at a time. The order has ended then, in
  // any case.
  absl::Status Await(const Order& order, const Cancellation& cancellation);
  // Whether Await would not wait.
  bool Ready(const Order& order) const;
  // Ends an order, done or not, as TrainingContext::Drop explains.
  void Drop(const Order& order);

  // Makes Await look at its cancellation.
  void Wake();

  void OnConnected(std::shared_ptr<ActorLink> link) override;
  void OnMessage(std::shared_ptr<ActorLink> link, v1::ActorMessage message) override;
  void OnGone(std::shared_ptr<ActorLink> link) override;

 private:
  struct Started {
    std::shared_ptr<Order> order;
    absl::Status status = absl::OkStatus();
  };
  absl::Status StatusOf(const Order& order) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The order has ended. `wanted`: what it accepted counts as accepted.
  void Remove(const Order& order, bool wanted) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  v1::TrajectoryAccounting Accounting() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether an order waits without anybody to ask. To be called after whatever may change it.
  void NoteActors(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What is due at this time, until the time that it returns.
  absl::Time Tick(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  CondVar changed_;
  v1::StageKey stage_ ABSL_GUARDED_BY(mutex_);
  std::optional<Dispatcher> dispatcher_ ABSL_GUARDED_BY(mutex_);
  bool awaiting_ ABSL_GUARDED_BY(mutex_) = false;        // an order
  std::vector<Started> orders_ ABSL_GUARDED_BY(mutex_);  // that have not ended
  int64_t dropped_ ABSL_GUARDED_BY(mutex_) = 0;          // trajectories that dropped orders had accepted
  Reminder without_actors_ ABSL_GUARDED_BY(mutex_){absl::Seconds(2), kReminderInterval};
  v1::TrajectoryAccounting last_accounting_ ABSL_GUARDED_BY(mutex_);  // of the stage that was
  v1::TrajectoryAccounting earlier_ ABSL_GUARDED_BY(mutex_);          // of all stages that were
  int64_t policy_version_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ROLLOUT_SINK_H_
