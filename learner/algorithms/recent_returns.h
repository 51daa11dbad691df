// Returns of the episodes that training slots finish.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_RECENT_RETURNS_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_RECENT_RETURNS_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "understudy/v1/checkpoints.pb.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// Adds up each slot's rewards across segments, and remembers the last 100 finished episodes. Thread-compatible.
class RecentReturns {
 public:
  explicit RecentReturns(int64_t slots) : running_(slots) {}

  // The next segment of every slot, valid, in the order of time for each.
  void Add(const v1::TrajectoryBatch& batch, const v1::EnvironmentSpec& environment);

  // nullopt: no episode has finished yet.
  std::optional<double> Mean() const;

  // Into a checkpoint, and from one with as many slots.
  void Save(v1::PpoState& state) const;
  void Restore(const v1::PpoState& state);

 private:
  std::vector<double> running_;
  std::deque<double> finished_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_RECENT_RETURNS_H_
