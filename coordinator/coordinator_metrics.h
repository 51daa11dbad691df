// What a coordinator process tells Prometheus.
#ifndef UNDERSTUDY_COORDINATOR_COORDINATOR_METRICS_H_
#define UNDERSTUDY_COORDINATOR_COORDINATOR_METRICS_H_

#include "absl/base/thread_annotations.h"
#include "common/metrics/latencies.h"
#include "common/metrics/scrape.h"
#include "common/process/mutex.h"
#include "common/rpc/server.h"
#include "coordinator/coordinator.h"
#include "coordinator/coordinator_status.h"

namespace understudy {

// Experiments are named while they run, and no longer.
void AddMetrics(const CoordinatorStatus& status, Scrape& scrape);

// Of a process that may be the active coordinator now, and stand by then. Thread-safe.
class CoordinatorMetrics {
 public:
  // For ServerOptions::on_call.
  OnCall on_call() { return calls_.Recorder(); }
  // For SqlStore::Measure.
  Latencies& store_latencies() { return store_; }

  // nullptr: it stands by. Returns when nobody looks at the one before any more.
  void SetActive(Coordinator* coordinator);

  void AddTo(Scrape& scrape);

 private:
  Latencies calls_{kRpcDuration, kRpcCalls, "method"};
  Latencies store_{kStoreDuration, kStoreErrors, "operation"};
  Mutex mutex_;
  Coordinator* active_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_COORDINATOR_METRICS_H_
