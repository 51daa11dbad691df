// Decides when a log should say that a condition lasts, such as "the coordinator is away", and when to repeat it.
#ifndef UNDERSTUDY_COMMON_PROCESS_REMINDER_H_
#define UNDERSTUDY_COMMON_PROCESS_REMINDER_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"

namespace understudy {

// How often logs repeat that a condition lasts: seldom enough to be no noise, often enough that nobody believes that
// the condition is over.
inline constexpr absl::Duration kReminderInterval = absl::Seconds(30);

// A reminder for one condition. It reads no clock: callers give the time. Thread-compatible.
class Reminder {
 public:
  // Makes a reminder that is due once the condition has lasted for `first`, and then again every `interval`.
  Reminder(absl::Duration first, absl::Duration interval) : first_(first), interval_(interval) {}

  // Notes that the condition lasts. It began now, unless it was lasting already.
  void Begin(absl::Time now) {
    if (since_.has_value()) return;
    since_ = now;
    next_ = now + first_;
  }

  // Returns whether it is time to say that the condition lasts. If so, the caller should say it.
  bool Due(absl::Time now) {
    if (now < next_) return false;
    next_ = now + interval_;
    said_ = true;
    return true;
  }

  // Notes that the condition is over. Returns whether the log has said that it lasted: then the log should say that it
  // is over, too.
  bool End() {
    since_.reset();
    next_ = absl::InfiniteFuture();
    return std::exchange(said_, false);
  }

  absl::Duration lasting(absl::Time now) const { return since_.has_value() ? now - *since_ : absl::ZeroDuration(); }

  // Returns how long the condition has lasted, for a message: ", for 31s now". Empty in its first second.
  std::string LastingText(absl::Time now) const {
    const absl::Duration whole = absl::Trunc(lasting(now), absl::Seconds(1));
    return whole > absl::ZeroDuration() ? ", for " + absl::FormatDuration(whole) + " now" : "";
  }

  // Returns when the reminder is due next. InfiniteFuture: the condition does not last.
  absl::Time next() const { return next_; }

 private:
  absl::Duration first_;
  absl::Duration interval_;
  std::optional<absl::Time> since_;
  absl::Time next_ = absl::InfiniteFuture();
  bool said_ = false;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_PROCESS_REMINDER_H_
