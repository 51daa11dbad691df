// How often to take checkpoints, without a knob.
#ifndef UNDERSTUDY_LEARNER_CHECKPOINT_SCHEDULE_H_
#define UNDERSTUDY_LEARNER_CHECKPOINT_SCHEDULE_H_

#include "absl/time/time.h"

namespace understudy {

// One is due once ten times as long has passed since the last one was handed over as it took to be stored: at most
// about a tenth of the time goes to them, and what a death costs is in proportion. For small policies that is nearly
// every iteration. Where the clock has been set back behind the handing-over, one is due, too. Pure, thread-compatible.
class CheckpointSchedule {
 public:
  bool Due(absl::Time now) const {
    if (now < handed_over_) return took_ < absl::InfiniteDuration();
    return now - handed_over_ >= 10 * took_;
  }
  void HandedOver(absl::Time now) { handed_over_ = now; }
  // InfiniteDuration: none is due any more.
  void Stored(absl::Duration took) { took_ = took; }

 private:
  absl::Time handed_over_ = absl::InfinitePast();
  absl::Duration took_ = absl::ZeroDuration();
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_CHECKPOINT_SCHEDULE_H_
