// Counts the trajectories that this actor has produced, and what sinks made of them.
#ifndef UNDERSTUDY_ACTOR_ROLLOUT_COUNTERS_H_
#define UNDERSTUDY_ACTOR_ROLLOUT_COUNTERS_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "common/process/mutex.h"
#include "common/rollouts/accounting.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

// Totals since the process began. At any instant, produced = accepted + rejected + lost + in flight. Thread-safe.
class RolloutCounters {
 public:
  // Counts trajectories, which are in flight from now on, and their steps.
  void AddProduced(int64_t trajectories, int64_t steps) {
    MutexLock lock(mutex_);
    v1::TrajectoryAccounting& counts = *totals_.mutable_trajectories();
    counts.set_produced(counts.produced() + trajectories);
    counts.set_in_flight(counts.in_flight() + trajectories);
    totals_.set_steps_produced(totals_.steps_produced() + steps);
  }
  // Moves trajectories from in flight to accepted and rejected. A reason that the protocol does not know counts as
  // `other`, so that a sink cannot make the table grow.
  void AddAcknowledged(int64_t accepted, int64_t rejected, const std::string& reason) {
    MutexLock lock(mutex_);
    v1::TrajectoryAccounting& counts = *totals_.mutable_trajectories();
    counts.set_accepted(counts.accepted() + accepted);
    if (rejected > 0) (*counts.mutable_rejected())[IsRejectionReason(reason) ? reason : "other"] += rejected;
    counts.set_in_flight(counts.in_flight() - accepted - rejected);
  }
  // Moves trajectories from in flight to lost: their stream ended before they were acknowledged.
  void AddLost(int64_t trajectories) {
    MutexLock lock(mutex_);
    v1::TrajectoryAccounting& counts = *totals_.mutable_trajectories();
    counts.set_lost(counts.lost() + trajectories);
    counts.set_in_flight(counts.in_flight() - trajectories);
  }

  // Changes the number of requests that wait behind those in hand.
  void AddQueued(int64_t requests) { queued_ += requests; }
  int64_t queued() const { return queued_; }
  // Sets the policy version of the request that was begun last.
  void SetPolicyVersion(int64_t version) { policy_version_ = version; }
  int64_t policy_version() const { return policy_version_; }

  // Returns the totals as a heartbeat without an epoch.
  v1::WorkerHeartbeat Totals() const {
    MutexLock lock(mutex_);
    return totals_;
  }

 private:
  mutable Mutex mutex_;
  v1::WorkerHeartbeat totals_ ABSL_GUARDED_BY(mutex_);
  std::atomic<int64_t> queued_ = 0;
  std::atomic<int64_t> policy_version_ = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_ACTOR_ROLLOUT_COUNTERS_H_
