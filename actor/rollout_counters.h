// What became of the trajectories that this actor has produced.
#ifndef UNDERSTUDY_ACTOR_ROLLOUT_COUNTERS_H_
#define UNDERSTUDY_ACTOR_ROLLOUT_COUNTERS_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "common/process/mutex.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

// Thread-safe. Totals since the process began; produced = accepted + rejected + lost once nothing is in flight.
class RolloutCounters {
 public:
  void AddProduced(int64_t trajectories, int64_t steps) {
    MutexLock lock(mutex_);
    totals_.set_trajectories_produced(totals_.trajectories_produced() + trajectories);
    totals_.set_steps_produced(totals_.steps_produced() + steps);
  }
  void AddAcknowledged(int64_t accepted, int64_t rejected) {
    MutexLock lock(mutex_);
    totals_.set_trajectories_accepted(totals_.trajectories_accepted() + accepted);
    totals_.set_trajectories_rejected(totals_.trajectories_rejected() + rejected);
  }
  // The stream ended before they were acknowledged.
  void AddLost(int64_t trajectories) {
    MutexLock lock(mutex_);
    totals_.set_trajectories_lost(totals_.trajectories_lost() + trajectories);
  }

  // The totals, without an epoch.
  v1::WorkerHeartbeat Totals() const {
    MutexLock lock(mutex_);
    return totals_;
  }

 private:
  mutable Mutex mutex_;
  v1::WorkerHeartbeat totals_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace understudy

#endif  // UNDERSTUDY_ACTOR_ROLLOUT_COUNTERS_H_
