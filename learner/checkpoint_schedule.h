// Decides when the next checkpoint is due. There is nothing to configure.
#ifndef UNDERSTUDY_LEARNER_CHECKPOINT_SCHEDULE_H_
#define UNDERSTUDY_LEARNER_CHECKPOINT_SCHEDULE_H_

#include "absl/time/time.h"

namespace understudy {

// The pause between two checkpoints is ten times as long as storing the last one took. So checkpoints take about a
// tenth of the time at most, and a small policy gets one after nearly every iteration. The class is pure and
// thread-compatible.
class CheckpointSchedule {
 public:
  // True if the pause is over. If the clock was set back to before the last checkpoint, the pause is over, too.
  bool Due(absl::Time now) const {
    if (now < handed_over_) return took_ < absl::InfiniteDuration();
    return now - handed_over_ >= 10 * took_;
  }
  // Notes when the last checkpoint was handed over to be stored.
  void HandedOver(absl::Time now) { handed_over_ = now; }
  // Notes how long storing it took. After InfiniteDuration no checkpoint is due any more.
  void Stored(absl::Duration took) { took_ = took; }

 private:
  absl::Time handed_over_ = absl::InfinitePast();
  absl::Duration took_ = absl::ZeroDuration();
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_CHECKPOINT_SCHEDULE_H_
