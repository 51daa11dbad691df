// The watchers of an experiment, and whether they have seen its latest state.
#ifndef UNDERSTUDY_COORDINATOR_EXPERIMENT_WATCHERS_H_
#define UNDERSTUDY_COORDINATOR_EXPERIMENT_WATCHERS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// A client that follows an experiment. Thread-safe; no function blocks. Implementations: the gRPC stream
// (experiments_service.cc), fakes in tests.
class ExperimentWatcher {
 public:
  virtual ~ExperimentWatcher() = default;

  // Shows the experiment. It replaces what has not been sent yet. After a finished experiment the stream ends with OK.
  virtual void Show(const v1::Experiment& experiment) = 0;

  // Ends the stream with this status.
  virtual void Close(absl::Status status) = 0;
};

inline constexpr size_t kMaxWatchers = 1000;  // of one experiment

// The watchers of one experiment. Thread-compatible.
class ExperimentWatchers {
 public:
  // Adds a watcher. Returns false if there are kMaxWatchers.
  bool Add(std::shared_ptr<ExperimentWatcher> watcher);
  // Removes a watcher, if it is known.
  void Remove(const ExperimentWatcher& watcher);

  // Notes that the experiment has changed.
  void NoteChange() { unseen_ = true; }
  // Notes the workers of the running stage and what it waits for, and a change if they differ from the last call.
  void NoteStage(int workers, std::string waiting_for);

  // Returns whether there is a watcher and a change that was not shown. The change counts as shown from now on.
  bool TakeUnseen();
  // Shows the experiment to all watchers.
  void Show(const v1::Experiment& experiment) const;

  // Ends all streams with a status, and forgets the watchers.
  void CloseAll(const absl::Status& status);

 private:
  std::vector<std::shared_ptr<ExperimentWatcher>> watchers_;
  bool unseen_ = false;
  int workers_ = 0;
  std::string waiting_for_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_EXPERIMENT_WATCHERS_H_
