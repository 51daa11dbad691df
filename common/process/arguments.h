// Command lines of the servers. For main functions only.
#ifndef UNDERSTUDY_COMMON_PROCESS_ARGUMENTS_H_
#define UNDERSTUDY_COMMON_PROCESS_ARGUMENTS_H_

#include <CLI/CLI.hpp>
#include <iostream>
#include <optional>

namespace understudy {

// The exit status where the program ends here: after --help and --version, or after one line to stderr that says what
// is wrong with the command line.
inline std::optional<int> ParseArguments(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::cerr << app.get_name() << ": " << error.what() << " (see " << app.get_name() << " --help)" << std::endl;
    return 2;
  }
}

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_PROCESS_ARGUMENTS_H_
