// One line on how far a running stage is.
#ifndef UNDERSTUDY_CLI_PROGRESS_LINE_H_
#define UNDERSTUDY_CLI_PROGRESS_LINE_H_

#include <string>

#include "absl/time/time.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// Name, what it waits for if it cannot go on, bar, done and total, rate, time left (were the stage to go on to its
// total at its mean speed), newest metric; as many of these, from the left, as fit `columns`. Pure.
std::string ProgressLine(const v1::StageState& stage, absl::Time now, int columns);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_PROGRESS_LINE_H_
