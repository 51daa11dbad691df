// Commands as a user sees them.
#ifndef UNDERSTUDY_TESTS_CLI_COMMAND_RESULT_H_
#define UNDERSTUDY_TESTS_CLI_COMMAND_RESULT_H_

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cli/command_line.h"

namespace understudy {

struct CommandResult {
  int exit_status;
  std::string out;
  std::string err;
};

inline CommandResult RunCommand(std::vector<std::string> arguments) {
  std::ostringstream out, err;
  const int exit_status = RunCommandLine(std::move(arguments), {.out = out, .err = err});
  return {exit_status, out.str(), err.str()};
}

}  // namespace understudy

#endif  // UNDERSTUDY_TESTS_CLI_COMMAND_RESULT_H_
