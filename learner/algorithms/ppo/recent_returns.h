// Keeps the returns of the episodes that training slots have finished last.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_PPO_RECENT_RETURNS_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_PPO_RECENT_RETURNS_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "learner/group/learner_group.h"
#include "understudy/v1/checkpoints.pb.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// Adds up each slot's rewards across segments, and remembers the returns of the last 100 finished episodes.
// Thread-compatible.
class RecentReturns {
 public:
  explicit RecentReturns(int64_t slots) : running_(slots) {}

  // Adds the next valid segment of some slots; each slot's segments come in the order of time. Returns the returns of
  // the episodes that finished in it, in the order of the batch. They are not remembered until AddFinished is called,
  // because all ranks must add the same returns in the same order.
  std::vector<double> Add(const v1::TrajectoryBatch& batch, const v1::EnvironmentSpec& environment);
  // Remembers a return, and forgets the oldest if there are more than 100.
  void AddFinished(double episode_return);

  // Returns the mean of the remembered returns, or nothing if no episode has finished yet.
  std::optional<double> Mean() const;

  // Writes the running returns of these slots into a checkpoint.
  void SaveRunning(Share slots, v1::PpoState& state) const;
  // Writes the remembered returns into a checkpoint.
  void SaveFinished(v1::PpoState& state) const;
  // Continues from a checkpoint with as many slots.
  void Restore(const v1::PpoState& state);

 private:
  std::vector<double> running_;
  std::deque<double> finished_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_PPO_RECENT_RETURNS_H_
