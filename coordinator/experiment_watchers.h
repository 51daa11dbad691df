// Those who follow an experiment, and whether they have seen the latest of it.
#ifndef UNDERSTUDY_COORDINATOR_EXPERIMENT_WATCHERS_H_
#define UNDERSTUDY_COORDINATOR_EXPERIMENT_WATCHERS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "coordinator/experiment_watcher.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

inline constexpr size_t kMaxWatchers = 1000;  // of one experiment

// Thread-compatible.
class ExperimentWatchers {
 public:
  // Shows it the experiment as it is now. False: there are kMaxWatchers.
  bool Add(std::shared_ptr<ExperimentWatcher> watcher, const v1::Experiment& experiment);
  void Remove(const ExperimentWatcher& watcher);

  // There is something to see that they have not seen.
  void NoteChange() { unseen_ = true; }
  // The same, where the running stage's workers, or what it waits for, are not those of the last call.
  void NoteStage(int workers, std::string waiting_for);

  // Whether the experiment is to be shown now, which settles it: somebody is there, and something has changed.
  bool TakeUnseen();
  void Show(const v1::Experiment& experiment) const;

  // Ends all streams with a status.
  void CloseAll(const absl::Status& status);

 private:
  std::vector<std::shared_ptr<ExperimentWatcher>> watchers_;
  bool unseen_ = false;
  int workers_ = 0;
  std::string waiting_for_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_EXPERIMENT_WATCHERS_H_
