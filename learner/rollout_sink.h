// The learner's end of rollouts: actors connect to it, and orders run to their end on whoever is there.
#ifndef UNDERSTUDY_LEARNER_ROLLOUT_SINK_H_
#define UNDERSTUDY_LEARNER_ROLLOUT_SINK_H_

#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "common/process/cancellation.h"
#include "common/process/mutex.h"
#include "common/rollouts/dispatcher.h"
#include "common/rollouts/rollout_service.h"
#include "common/snapshot/policy_snapshot.h"
#include "understudy/v1/policy.pb.h"

namespace understudy {

// Thread-safe. Serves one stage at a time; actors of any other stage or epoch are refused with FAILED_PRECONDITION.
class RolloutSink final : public RolloutHandler {
 public:
  // From now on actors of this stage are welcome, until End.
  void Begin(const v1::StageKey& stage, const v1::EnvironmentSpec& environment);
  // Lets all actors go. Idempotent.
  void End();

  // Runs an order to its end, acting with `policy`, whoever comes and goes meanwhile. CANCELLED with the cancellation's
  // reason once Wake has been called after cancelling; otherwise the order's own error. Between Begin and End only; one
  // call at a time.
  absl::Status Run(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy,
                   const Cancellation& cancellation);

  // Makes Run look at its cancellation.
  void Wake();

  void OnConnected(std::shared_ptr<ActorLink> link) override;
  void OnMessage(std::shared_ptr<ActorLink> link, v1::ActorMessage message) override;
  void OnGone(std::shared_ptr<ActorLink> link) override;

 private:
  Mutex mutex_;
  CondVar changed_;
  v1::StageKey stage_ ABSL_GUARDED_BY(mutex_);
  std::optional<Dispatcher> dispatcher_ ABSL_GUARDED_BY(mutex_);
  absl::Status order_status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ROLLOUT_SINK_H_
