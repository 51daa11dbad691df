// Makes the ranks of one group in one process, each on a thread of its own, over real connections.
#ifndef UNDERSTUDY_TESTS_TESTING_GLOO_RANKS_H_
#define UNDERSTUDY_TESTS_TESTING_GLOO_RANKS_H_

#include <functional>
#include <memory>
#include <vector>

#include "learner/group/gloo_group.h"

namespace understudy::testing {

class OnRanks {
 public:
  explicit OnRanks(int size);
  GlooGroup& operator[](int rank) { return *groups_.at(static_cast<size_t>(rank)); }
  // Destroys a rank's group, as if its process had ended.
  void Leave(int rank) { groups_.at(static_cast<size_t>(rank)).reset(); }

 private:
  std::vector<std::shared_ptr<GlooGroup>> groups_;
};

// Calls `program` once for each rank, side by side, and returns when all have returned.
void RunRanks(int size, const std::function<void(LearnerGroup& group)>& program);

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_TESTING_GLOO_RANKS_H_
