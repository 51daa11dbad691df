// The experiment of `understudy run`, from the coordinator's answer to Submit to its end.
#ifndef UNDERSTUDY_CLI_EXPERIMENT_SESSION_H_
#define UNDERSTUDY_CLI_EXPERIMENT_SESSION_H_

#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/persistent_client.h"
#include "common/process/mutex.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

struct ExperimentSessionOptions {
  v1::ExperimentSpec spec;                          // defaults filled in
  std::string directory;                            // the coordinator's data directory, for messages
  absl::Time begin;                                 // of the command
  std::function<void(const v1::Experiment&)> seen;  // takes each state
  std::function<void(std::string_view)> log;        // takes lines
  std::function<void()> ended;                      // the session's last act
};

// Follows one experiment on a thread of its own, where `seen`, `log` and `ended` are called. It is the coordinator's
// unfinished experiment with the same spec (of several, the one submitted first), which is resumed; or one with the
// same spec that has ended since `begin`, while this command waited for the data directory; or a new one, which is
// submitted. Unfinished experiments besides are named in the log. The session outlives the coordinator's absence, see
// PersistentClient. Thread-safe.
class ExperimentSession {
 public:
  // `connection` must outlive the session.
  ExperimentSession(Connection& connection, ExperimentSessionOptions options);
  // Stops watching.
  ~ExperimentSession();

  // The newest state; without an id until the coordinator has accepted the experiment.
  v1::Experiment Latest() const;
  // Why the session ended before the experiment did.
  absl::Status status() const;

 private:
  absl::Status Follow();
  bool IsSame(const v1::Experiment& experiment) const;
  // The experiment's first state here; its id is set.
  absl::StatusOr<v1::Experiment> FindOrSubmit();
  // An experiment with the same spec that has ended since `begin`; without an id: there is none.
  absl::StatusOr<v1::Experiment> FindEnded();
  absl::StatusOr<v1::Experiment> Resume(const std::string& id);
  absl::StatusOr<v1::Experiment> Submit();
  void Show(const v1::Experiment& experiment);

  const ExperimentSessionOptions options_;
  PersistentClient client_;
  mutable Mutex mutex_;
  v1::Experiment latest_ ABSL_GUARDED_BY(mutex_);
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_EXPERIMENT_SESSION_H_
