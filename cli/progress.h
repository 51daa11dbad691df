// Shows on stderr how a running experiment goes.
#ifndef UNDERSTUDY_CLI_PROGRESS_H_
#define UNDERSTUDY_CLI_PROGRESS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "cli/console.h"
#include "common/process/mutex.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// Returns one line that says how far a running stage is. Its parts are: the stage's name; what it waits for, if it
// cannot go on; a bar; done and total; the rate; the time left, supposing that the stage goes on to its total at its
// mean speed; the newest metric. It has as many of these parts, from the left, as fit `columns`. Pure.
std::string ProgressLine(const v1::StageState& stage, absl::Time now, int columns);

// Prints one line for each stage that has ended or is paused. On a terminal the running stage has a line, too, which is
// drawn again in place at most every 100 ms. Elsewhere a line says that the stage has started. Thread-safe.
class ProgressPrinter {
 public:
  // `console` must outlive it.
  explicit ProgressPrinter(const Console& console) : console_(console) {}
  ~ProgressPrinter() { Finish(); }
  ProgressPrinter(const ProgressPrinter&) = delete;
  ProgressPrinter& operator=(const ProgressPrinter&) = delete;

  // Shows the newest state of the experiment, which is the same one in every call.
  void Update(const v1::Experiment& experiment, absl::Time now);

  // Prints a line that has nothing to do with progress, above the line that is drawn in place.
  void Print(std::string_view line);

  // Erases the line that is drawn in place.
  void Finish();

 private:
  void Announce(const v1::StageState& stage, v1::Status seen) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Draw(const v1::StageState& stage, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Write(std::string_view line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Console& console_;
  Mutex mutex_;
  std::vector<v1::Status> seen_ ABSL_GUARDED_BY(mutex_);  // by stage
  std::string drawn_ ABSL_GUARDED_BY(mutex_);             // now on the screen, without a line end
  absl::Time drawn_at_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_PROGRESS_H_
