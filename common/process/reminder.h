// When to say again of something that lasts that it still does.
#ifndef UNDERSTUDY_COMMON_PROCESS_REMINDER_H_
#define UNDERSTUDY_COMMON_PROCESS_REMINDER_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"

namespace understudy {

// How often logs repeat what lasts: seldom enough to be no noise, often enough that nobody takes it for over.
inline constexpr absl::Duration kReminderInterval = absl::Seconds(30);

// Pure, thread-compatible.
class Reminder {
 public:
  // Due once it has lasted for `first`, and then again every `interval`.
  Reminder(absl::Duration first, absl::Duration interval) : first_(first), interval_(interval) {}

  // It lasts, since now unless it does already.
  void Begin(absl::Time now) {
    if (since_.has_value()) return;
    since_ = now;
    next_ = now + first_;
  }

  // True where it is time to say so.
  bool Due(absl::Time now) {
    if (now < next_) return false;
    next_ = now + interval_;
    said_ = true;
    return true;
  }

  // It is over. True where it has been said, so that this should be, too.
  bool End() {
    since_.reset();
    next_ = absl::InfiniteFuture();
    return std::exchange(said_, false);
  }

  absl::Duration lasting(absl::Time now) const { return since_.has_value() ? now - *since_ : absl::ZeroDuration(); }

  // For a message: ", for 31s now"; nothing in its first second.
  std::string LastingText(absl::Time now) const {
    const absl::Duration whole = absl::Trunc(lasting(now), absl::Seconds(1));
    return whole > absl::ZeroDuration() ? ", for " + absl::FormatDuration(whole) + " now" : "";
  }

  // When it is due next; InfiniteFuture: it does not last.
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
