// Writes recorded steps as JSON lines.
#ifndef UNDERSTUDY_CLI_STEP_LINES_H_
#define UNDERSTUDY_CLI_STEP_LINES_H_

#include <string>

#include "common/trajectory/trajectory_layout.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// Appends one line for each step of each trajectory of a valid batch, in order:
//   {"episode", "step", "observation", "action", "reward", "terminated", "truncated", "next_observation", "log_prob",
//    "policy", "policy_version"}, and "logits" and "value" where they are recorded.
// The flags are those of the episode's last step; every other step has neither. Numbers are the shortest that read back
// as the same float32. An action is an integer (discrete) or a list. Pure.
void AppendStepLines(const v1::TrajectoryBatch& batch, const v1::EnvironmentSpec& environment, std::string& out);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_STEP_LINES_H_
