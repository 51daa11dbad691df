// Follows the experiment of `understudy run`, from Submit to its end.
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

// Makes a request with a new token of 128 random bits. The token lets the same request be sent again without a second
// experiment.
v1::SubmitRequest MakeSubmitRequest(const v1::ExperimentSpec& spec);

struct ExperimentSessionOptions {
  v1::ExperimentSpec spec;                          // defaults filled in
  std::string directory;                            // the coordinator's data directory, for messages
  absl::Time begin;                                 // of the command
  std::function<void(const v1::Experiment&)> seen;  // takes each state
  std::function<void(std::string_view)> log;        // takes lines
  std::function<void()> ended;                      // the session's last act
};

// Follows one experiment on a thread of its own, where `seen`, `log` and `ended` are called. The session goes on while
// the coordinator is away, as PersistentClient says. Thread-safe.
//
// Which experiment it follows depends on what the coordinator has:
// - If an unfinished experiment has the same spec, the session resumes it. If there are several, it resumes the one
//   that was submitted first.
// - Otherwise it takes one with the same spec that has ended since `begin`, while this command waited for the data
//   directory.
// - Otherwise it submits a new one.
// The log names all other unfinished experiments.
class ExperimentSession {
 public:
  // `connection` must outlive the session.
  ExperimentSession(Connection& connection, ExperimentSessionOptions options);
  // Stops watching.
  ~ExperimentSession();

  // Returns the newest state. It has no id until the coordinator has accepted the experiment.
  v1::Experiment Latest() const;
  // Returns why the session ended before the experiment did; OK if it did not.
  absl::Status status() const;

 private:
  absl::Status Follow();
  bool IsSame(const v1::Experiment& experiment) const;
  // Returns the experiment in its first state here. Its id is set.
  absl::StatusOr<v1::Experiment> FindOrSubmit();
  // Returns an experiment with the same spec that has ended since `begin`. Without an id: there is none.
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
