// Where a command writes.
#ifndef UNDERSTUDY_CLI_CONSOLE_H_
#define UNDERSTUDY_CLI_CONSOLE_H_

#include <ostream>

namespace understudy {

struct Console {
  std::ostream& out;  // results: text, or JSON alone
  std::ostream& err;  // progress, warnings, errors
  // `err` is a terminal so many columns wide: one line may be drawn again and again.
  bool live = false;
  int columns = 80;
};

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_CONSOLE_H_
