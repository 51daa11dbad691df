// How long a sink waits for a result of an actor, while others could do its work.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_PATIENCE_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_PATIENCE_H_

#include "absl/time/time.h"

namespace understudy {

inline constexpr absl::Duration kShortestPatience = absl::Seconds(10);

// Pure, thread-compatible. What is slow is learnt: the patience is four times the longest that any result took, at
// least kShortestPatience and the time that the environment's step latency makes a request wait. So that work which
// takes anybody long gets done in the end, though no result has shown it yet, it doubles with each fence until a result
// comes.
class Patience {
 public:
  // As of now.
  absl::Duration current() const;

  // A request was made of which the simulators alone take so long.
  void NoteRequest(absl::Duration simulated);
  // A result came, after its actor had been waited for that long.
  void NoteResult(absl::Duration waited);
  // It has run out for an actor, whose work goes to another.
  void NoteFence();

 private:
  absl::Duration longest_wait_;
  absl::Duration longest_simulated_;
  int fences_since_result_ = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_PATIENCE_H_
