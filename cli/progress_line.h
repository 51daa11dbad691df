// Makes one line that says how far a running stage is.
#ifndef UNDERSTUDY_CLI_PROGRESS_LINE_H_
#define UNDERSTUDY_CLI_PROGRESS_LINE_H_

#include <string>

#include "absl/time/time.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// Returns the line. Its parts are: the stage's name; what it waits for, if it cannot go on; a bar; done and total; the
// rate; the time left, supposing that the stage goes on to its total at its mean speed; the newest metric. It has as
// many of these parts, from the left, as fit `columns`. Pure.
std::string ProgressLine(const v1::StageState& stage, absl::Time now, int columns);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_PROGRESS_LINE_H_
