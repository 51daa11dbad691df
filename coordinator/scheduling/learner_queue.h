// Stages that wait for learners, and whose turn it is.
#ifndef UNDERSTUDY_COORDINATOR_SCHEDULING_LEARNER_QUEUE_H_
#define UNDERSTUDY_COORDINATOR_SCHEDULING_LEARNER_QUEUE_H_

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "coordinator/scheduling/stage_id.h"

namespace understudy {

// Pure, thread-compatible. There are few different numbers of learners that stages need: a call costs that and O(log
// n).
class LearnerQueue {
 public:
  struct Wait {
    int64_t order = 0;  // the longer a stage waits the smaller
    StageId stage;
    auto operator<=>(const Wait&) const = default;
  };

  // The stage needs so many learners, at least one.
  void Insert(int needed, const Wait& wait) { waiting_[needed].insert(wait); }
  void Erase(int needed, const Wait& wait) {
    const auto found = waiting_.find(needed);
    if (found == waiting_.end()) return;
    found->second.erase(wait);
    if (found->second.empty()) waiting_.erase(found);
  }

  // The stage that may have its learners, of which `idle` out of `all` are to be had; nullopt: none. That is the one
  // that waits longest. Where too few are idle for it, those behind it wait, too, lest many small ones starve it; but
  // nobody waits for one that needs more than all.
  std::optional<StageId> Next(int idle, int all) const {
    const Wait* longest = nullptr;
    int needed = 0;
    for (const auto& [number, stages] : waiting_) {
      if (number > all) break;
      if (longest != nullptr && *longest < *stages.begin()) continue;
      longest = &*stages.begin();
      needed = number;
    }
    if (longest == nullptr || needed > idle) return std::nullopt;
    return longest->stage;
  }

  // Those that need more learners than that.
  std::vector<StageId> NeedingMoreThan(int learners) const {
    std::vector<StageId> stages;
    for (auto waiting = waiting_.upper_bound(learners); waiting != waiting_.end(); ++waiting) {
      for (const Wait& wait : waiting->second) stages.push_back(wait.stage);
    }
    return stages;
  }

 private:
  std::map<int, std::set<Wait>> waiting_;  // by the learners that they need; no set is empty
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SCHEDULING_LEARNER_QUEUE_H_
