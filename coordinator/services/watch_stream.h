// The server side of one Watch stream, which sends the newest state of an experiment as fast as the reader takes it.
#ifndef UNDERSTUDY_COORDINATOR_SERVICES_WATCH_STREAM_H_
#define UNDERSTUDY_COORDINATOR_SERVICES_WATCH_STREAM_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "common/process/mutex.h"
#include "coordinator/coordinator.h"
#include "coordinator/experiment_watchers.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// A stream has one write in flight. A state that comes during a write waits, and a later one replaces it. The object
// lives until gRPC is done with it and nobody holds it as a watcher. Thread-safe.
class WatchStream final : public grpc::ServerWriteReactor<v1::Experiment>,
                          public ExperimentWatcher,
                          public std::enable_shared_from_this<WatchStream> {
 public:
  static WatchStream* Begin(Coordinator& coordinator, const std::string& experiment);

  void Show(const v1::Experiment& experiment) override;
  void Close(absl::Status status) override;

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  WatchStream(Coordinator& coordinator, std::string experiment)
      : coordinator_(coordinator), experiment_(std::move(experiment)) {}
  // Writes or finishes, if that is possible now.
  void Proceed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Coordinator& coordinator_;
  const std::string experiment_;
  std::shared_ptr<WatchStream> self_;  // while gRPC uses it

  Mutex mutex_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  v1::Experiment outgoing_ ABSL_GUARDED_BY(mutex_);
  std::optional<v1::Experiment> pending_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Status> close_ ABSL_GUARDED_BY(mutex_);  // after what is pending
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SERVICES_WATCH_STREAM_H_
