// The streams that a command writes to.
#ifndef UNDERSTUDY_CLI_CONSOLE_H_
#define UNDERSTUDY_CLI_CONSOLE_H_

#include <ostream>

namespace understudy {

struct Console {
  std::ostream& out;  // results: text, or JSON alone
  std::ostream& err;  // progress, warnings, errors
  // Whether `err` is a terminal, so that one line may be drawn again and again, and how many columns it has.
  bool live = false;
  int columns = 80;
};

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_CONSOLE_H_
