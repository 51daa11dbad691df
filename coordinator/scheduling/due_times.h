// A time for each of many ids, and those whose time has come.
#ifndef UNDERSTUDY_COORDINATOR_SCHEDULING_DUE_TIMES_H_
#define UNDERSTUDY_COORDINATOR_SCHEDULING_DUE_TIMES_H_

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace understudy {

// Pure, thread-compatible. Every call costs O(log n), TakeDue for each id that it returns.
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

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SCHEDULING_DUE_TIMES_H_
