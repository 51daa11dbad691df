// The program `understudy`, from its arguments to its exit status.
#ifndef UNDERSTUDY_CLI_COMMAND_LINE_H_
#define UNDERSTUDY_CLI_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "cli/console.h"

namespace understudy {

// 0: all is well. 1: failed. 2: the command line is wrong. 130: interrupted. Every failure is one line on `err` that
// begins with "understudy: ". Call it from the main thread, before there is any other: `run` forks.
int RunCommandLine(std::vector<std::string> arguments, const Console& console);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_COMMAND_LINE_H_
