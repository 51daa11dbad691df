// Somebody who follows an experiment.
#ifndef UNDERSTUDY_COORDINATOR_EXPERIMENT_WATCHER_H_
#define UNDERSTUDY_COORDINATOR_EXPERIMENT_WATCHER_H_

#include "absl/status/status.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// Thread-safe; nothing blocks. Implementations: the gRPC stream (experiments_service.cc), fakes in tests.
class ExperimentWatcher {
 public:
  virtual ~ExperimentWatcher() = default;

  // Replaces what has not been sent yet. After a finished experiment the stream ends with OK.
  virtual void Show(const v1::Experiment& experiment) = 0;

  // Ends the stream with this status.
  virtual void Close(absl::Status status) = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_EXPERIMENT_WATCHER_H_
