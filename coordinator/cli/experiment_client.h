// Experiments, from the client's side.
#ifndef UNDERSTUDY_COORDINATOR_CLI_EXPERIMENT_CLIENT_H_
#define UNDERSTUDY_COORDINATOR_CLI_EXPERIMENT_CLIENT_H_

#include <functional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "common/process/mutex.h"
#include "coordinator/cli/connection.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// Submits under a token of its own; returns the id.
absl::StatusOr<std::string> SubmitExperiment(Connection& connection, const v1::ExperimentSpec& spec);

// Calls `seen` with each state, and returns the last one: SUCCEEDED, FAILED or CANCELLED.
absl::StatusOr<v1::Experiment> WatchExperiment(Connection& connection, const std::string& id,
                                               grpc::ClientContext& context,
                                               const std::function<void(const v1::Experiment&)>& seen);

// OK where every stage succeeded; otherwise an error that says which stage did not, and why.
absl::Status ExperimentStatus(const v1::Experiment& experiment);

// WatchExperiment on a thread of its own. Thread-safe.
class ExperimentWatcher {
 public:
  // `seen` is called on the thread, `ended` as its last act. `connection` must outlive the watcher.
  ExperimentWatcher(Connection& connection, std::string id, std::function<void(const v1::Experiment&)> seen,
                    std::function<void()> ended);
  // Stops watching.
  ~ExperimentWatcher();

  // The newest state; without an id before the first.
  v1::Experiment Latest() const;
  // Why watching ended before the experiment did.
  absl::Status status() const;

 private:
  grpc::ClientContext context_;
  mutable Mutex mutex_;
  v1::Experiment latest_ ABSL_GUARDED_BY(mutex_);
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_CLI_EXPERIMENT_CLIENT_H_
