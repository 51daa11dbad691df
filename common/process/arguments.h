// Parses the command lines of programs, with defaults from environment variables. For main functions and the command
// line alone.
#ifndef UNDERSTUDY_COMMON_PROCESS_ARGUMENTS_H_
#define UNDERSTUDY_COMMON_PROCESS_ARGUMENTS_H_

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

#include "common/process/logging.h"
#include "common/process/process.h"

namespace understudy {

// Makes every option --NAME of the program and of its commands take its default from the environment variable
// UNDERSTUDY_NAME, and --help show the variable. Call it when all options are there. Options that exclude others are
// left out, because a variable that is set for all commands would forbid those others.
inline void NameEnvironmentVariables(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    const bool asks = option == app.get_help_ptr() || option == app.get_version_ptr();
    if (asks || option->get_lnames().empty() || !option->get_excludes().empty()) continue;
    std::string name = "UNDERSTUDY_" + option->get_lnames().front();
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
    option->envname(name);
  }
  for (CLI::App* command : app.get_subcommands({})) NameEnvironmentVariables(*command);
}

// Checks the environment variables that stand in for options of the program, and of the command that was parsed. Some
// releases of CLI11 (2.4) ignore a variable whose value the option does not take; others (2.1) refuse it, also in a
// command that was not given. Call it after parsing.
// Throws CLI::ParseError, as parsing does, if a variable was ignored.
inline void CheckEnvironmentVariables(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_envname().empty() || option->count() > 0) continue;
    const char* const value = std::getenv(option->get_envname().c_str());
    if (value == nullptr || *value == '\0') continue;
    option->add_result(value);
    option->run_callback();
  }
  for (CLI::App* command : app.get_subcommands()) CheckEnvironmentVariables(*command);
}

// --metrics_port
inline void AddMetricsOption(CLI::App& app, std::string& listen) {
  app.add_option("--metrics_port", listen,
                 "Where to serve metrics for Prometheus, at /metrics; the host is 127.0.0.1 unless given, and an IPv6 "
                 "address stands in brackets")
      ->type_name("[HOST:]PORT");
}

// --log_level and --log_format
inline void AddLogOptions(CLI::App& app, LogOptions& options) {
  app.add_option("--log_level", options.level, "Log messages of this level and of those above it")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  app.add_option("--log_format", options.format, "How log lines are written; json: one object a line")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

// Takes options from the environment, too. Returns the exit status where the program ends here: 0 after --help and
// --version, 1 where these cannot be written, and 2 after one line to stderr that says what is wrong with the command
// line.
inline std::optional<int> ParseArguments(CLI::App& app, int argc, char** argv) {
  NameEnvironmentVariables(app);
  try {
    app.parse(argc, argv);
    CheckEnvironmentVariables(app);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      app.exit(error);  // prints the help or the version
      const absl::Status written = FlushOutput(std::cout);
      if (written.ok()) return 0;
      std::cerr << app.get_name() << ": " << written.message() << std::endl;
      return 1;
    }
    std::cerr << app.get_name() << ": " << error.what() << " (see " << app.get_name() << " --help)" << std::endl;
    return 2;
  }
}

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_PROCESS_ARGUMENTS_H_
