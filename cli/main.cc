// The command line: submit, watch, inspect, export, and run everything on this machine.
#include <sys/ioctl.h>
#include <unistd.h>

#include <iostream>

#include "cli/command_line.h"
#include "common/process/logging.h"
#include "common/process/process.h"

namespace {

int TerminalColumns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

int main(int argc, char** argv) {
  understudy::PrepareProcess("understudy");
  std::ios::sync_with_stdio(false);
  // To standard error, as standard output may be JSON. What libraries complain of is in the errors of commands, too.
  understudy::InitLogging("understudy", {.level = "error"});
  const understudy::Console console{
      .out = std::cout, .err = std::cerr, .live = isatty(STDERR_FILENO) == 1, .columns = TerminalColumns()};
  return understudy::RunCommandLine({argv + 1, argv + argc}, console);
}
