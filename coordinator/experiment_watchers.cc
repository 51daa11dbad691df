#include "coordinator/experiment_watchers.h"

#include <utility>

namespace understudy {

bool ExperimentWatchers::Add(std::shared_ptr<ExperimentWatcher> watcher) {
  if (watchers_.size() >= kMaxWatchers) return false;
  watchers_.push_back(std::move(watcher));
  return true;
}

void ExperimentWatchers::Remove(const ExperimentWatcher& watcher) {
  std::erase_if(watchers_, [&watcher](const auto& other) { return other.get() == &watcher; });
}

void ExperimentWatchers::NoteStage(int workers, std::string waiting_for) {
  unseen_ |= std::exchange(workers_, workers) != workers;
  if (waiting_for == waiting_for_) return;
  waiting_for_ = std::move(waiting_for);
  unseen_ = true;
}

bool ExperimentWatchers::TakeUnseen() { return std::exchange(unseen_, false) && !watchers_.empty(); }

void ExperimentWatchers::Show(const v1::Experiment& experiment) const {
  for (const auto& watcher : watchers_) watcher->Show(experiment);
}

void ExperimentWatchers::CloseAll(const absl::Status& status) {
  for (const auto& watcher : std::exchange(watchers_, {})) watcher->Close(status);
}

}  // namespace understudy
