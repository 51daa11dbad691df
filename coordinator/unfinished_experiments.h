// The experiments that a coordinator works on, the times at which each of them is due, and the names of those that are
// paused.
#ifndef UNDERSTUDY_COORDINATOR_UNFINISHED_EXPERIMENTS_H_
#define UNDERSTUDY_COORDINATOR_UNFINISHED_EXPERIMENTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/coordinator_status.h"
#include "coordinator/experiment_run.h"
#include "coordinator/experiment_watchers.h"
#include "coordinator/storage/store.h"
#include "coordinator/workforce.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

inline constexpr size_t kMaxUnfinishedExperiments = 1000;

// A time for each of many ids, and the ids whose time has come. Pure, thread-compatible. Every call costs O(log n),
// TakeDue for each id that it returns.
class DueTimes {
 public:
  // Sets an id's time, in place of an earlier one; InfiniteFuture: removes it.
  void Set(const std::string& id, absl::Time due) {
    const auto known = by_id_.find(id);
    if (known != by_id_.end()) {
      if (known->second == due) return;
      by_time_.erase({known->second, id});
      by_id_.erase(known);
    }
    if (due == absl::InfiniteFuture()) return;
    by_id_[id] = due;
    by_time_.insert({due, id});
  }

  // Removes the ids whose time has come, and returns them, the earliest first.
  std::vector<std::string> TakeDue(absl::Time now) {
    std::vector<std::string> due;
    while (next() <= now) {
      due.push_back(by_time_.begin()->second);
      Set(due.back(), absl::InfiniteFuture());
    }
    return due;
  }

  // Returns the earliest time; InfiniteFuture: there is none.
  absl::Time next() const { return by_time_.empty() ? absl::InfiniteFuture() : by_time_.begin()->first; }

 private:
  std::map<std::string, absl::Time> by_id_;
  std::set<std::pair<absl::Time, std::string>> by_time_;
};

// Settling costs nothing for experiments to which nothing has happened. Thread-compatible; no gRPC, no clock.
class UnfinishedExperiments {
 public:
  // Store and workforce must outlive this object.
  UnfinishedExperiments(Store& store, Workforce& workforce, WriteBehind write_behind);

  // Goes on with the experiments in the store that are not at rest. The store's error.
  absl::Status Recover(absl::Time now);
  // Pauses these experiments in the store instead. The store's error.
  absl::Status PauseAll();

  // As in experiments.proto. Submit returns the id of an experiment that is in the store.
  absl::StatusOr<std::string> Submit(const v1::SubmitRequest& request, absl::Time now);
  absl::Status Cancel(const std::string& id, absl::Time now);
  absl::Status Resume(const std::string& id, absl::Time now);

  // Returns a run, which the caller may change: it is settled next. nullptr: the experiment is at rest, or unknown.
  ExperimentRun* Find(const std::string& id);
  // Returns an experiment, finished or not. NOT_FOUND names the id.
  absl::StatusOr<v1::Experiment> Get(const std::string& id);
  // Adds a watcher. It is shown a finished experiment once. Get's error closes it.
  void Watch(const std::string& id, std::shared_ptr<ExperimentWatcher> watcher);

  // Fills in what is known of experiments.
  void Observe(CoordinatorStatus& seen) const;

  // Lets those experiments go on whose time has come. To be called at next_due().
  void RunDue(absl::Time now);
  // Returns when RunDue should be called even if nothing happens.
  absl::Time next_due() const { return due_.next(); }

  // Notes that something may have happened to an experiment.
  void Touch(const std::string& id) { touched_.insert(id); }
  // Settles the runs to which something may have happened, and forgets those that have come to rest. A run that the
  // store does not take is settled again a little later, and the store's error is returned.
  absl::Status Settle(absl::Time now);
  // OK: the last Settle has stored all that has happened to the experiment. Otherwise the store's error.
  absl::Status SavedStatus(const std::string& id) const;

  // Closes all watchers with a status, and forgets all experiments. The store keeps them.
  void CloseAll(const absl::Status& status);

 private:
  absl::Status CheckRoom() const;
  absl::StatusOr<std::string> ChooseId(const std::string& name);
  void Add(const std::string& id, std::unique_ptr<ExperimentRun> run);
  // Notes that a run has come to rest, and is stored.
  void NoteRest(const ExperimentRun& run);

  Store& store_;
  RunContext context_;
  std::map<std::string, std::unique_ptr<ExperimentRun>> runs_;
  std::set<std::string> touched_;                 // runs that are to be settled
  DueTimes due_;                                  // runs that are to be settled even if nothing happens
  std::map<std::string, absl::Status> unsaved_;   // why the store has not taken the state of an experiment
  absl::Time complained_ = absl::InfinitePast();  // when the log last said so
  std::set<std::string> paused_;                  // experiments in the store that are paused, and no runs
  std::map<v1::Status, int64_t> finished_;        // number of experiments that ended, by status
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_UNFINISHED_EXPERIMENTS_H_
