// The experiments that a coordinator works on, and the names of those that are paused.
#ifndef UNDERSTUDY_COORDINATOR_UNFINISHED_EXPERIMENTS_H_
#define UNDERSTUDY_COORDINATOR_UNFINISHED_EXPERIMENTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/coordinator_status.h"
#include "coordinator/experiment_run.h"
#include "coordinator/experiment_watchers.h"
#include "coordinator/scheduling/due_times.h"
#include "coordinator/storage/store.h"
#include "coordinator/workforce.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

inline constexpr size_t kMaxUnfinishedExperiments = 1000;

// Thread-compatible; no gRPC, no clock. Settling costs nothing for experiments that nothing has happened to.
class UnfinishedExperiments {
 public:
  // Store and workforce must outlive it.
  UnfinishedExperiments(Store& store, Workforce& workforce, WriteBehind write_behind);

  // Goes on with the experiments of the store that are not at rest. The store's error.
  absl::Status Recover(absl::Time now);
  // Makes them PAUSED in the store instead. The store's error.
  absl::Status PauseAll();

  // As in experiments.proto. What is submitted is in the store, and its id is returned.
  absl::StatusOr<std::string> Submit(const v1::SubmitRequest& request, absl::Time now);
  absl::Status Cancel(const std::string& id, absl::Time now);
  absl::Status Resume(const std::string& id, absl::Time now);

  // nullptr: it is at rest, or never was. The caller may change the run: it is settled then.
  ExperimentRun* Find(const std::string& id);
  // One that has finished, too. NOT_FOUND names the id.
  absl::StatusOr<v1::Experiment> Get(const std::string& id);
  // The same; one that has finished is shown. The watcher is closed with the error.
  void Watch(const std::string& id, std::shared_ptr<ExperimentWatcher> watcher);

  // Sets what they have to say.
  void Observe(CoordinatorStatus& seen) const;

  // Lets those experiments go on whose time has come. To be called at next_due().
  void RunDue(absl::Time now);
  absl::Time next_due() const { return due_.next(); }

  // Something may have happened to it.
  void Touch(const std::string& id) { touched_.insert(id); }
  // Settles those that something may have happened to, and forgets those that have finished. Those that the store does
  // not take are settled again a little later. Returns the store's error where there are such.
  absl::Status Settle(absl::Time now);
  // Whether all that has happened to it is in the store, by the last Settle: if not, the store's error.
  absl::Status SavedStatus(const std::string& id) const;

  // Closes all watchers with a status and forgets all. The store keeps them.
  void CloseAll(const absl::Status& status);

 private:
  absl::Status CheckRoom() const;
  absl::StatusOr<std::string> ChooseId(const std::string& name);
  void Add(const std::string& id, std::unique_ptr<ExperimentRun> run);
  // The run has come to rest, and the store knows.
  void NoteRest(const ExperimentRun& run);

  Store& store_;
  RunContext context_;
  std::map<std::string, std::unique_ptr<ExperimentRun>> runs_;
  std::set<std::string> touched_;                 // runs that are to be settled
  DueTimes due_;                                  // runs that are to be settled even if nothing happens
  std::map<std::string, absl::Status> unsaved_;   // experiments whose state the store has not taken, and why
  absl::Time complained_ = absl::InfinitePast();  // in the log, about those
  std::set<std::string> paused_;                  // in the store, and not among the runs
  std::map<v1::Status, int64_t> finished_;        // experiments that ended, by how
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_UNFINISHED_EXPERIMENTS_H_
