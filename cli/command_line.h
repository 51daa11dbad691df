// Runs the program `understudy`, from its arguments to its exit status.
#ifndef UNDERSTUDY_CLI_COMMAND_LINE_H_
#define UNDERSTUDY_CLI_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "cli/console.h"

namespace understudy {

// Runs a command line, and returns the exit status: 0 if all is well, 1 if the command failed, 2 if the command line is
// wrong, 130 if it was interrupted. Every failure is one line on `err` that begins with "understudy: ". Call it from
// the main thread, before there is any other, because `run` forks.
int RunCommandLine(std::vector<std::string> arguments, const Console& console);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_COMMAND_LINE_H_
