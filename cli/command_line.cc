#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/commands.h"
#include "common/process/arguments.h"
#include "common/process/process.h"

namespace understudy {
namespace {

constexpr int kFailure = 1;
constexpr int kUsage = 2;
constexpr int kInterrupted = 130;

int Fail(const std::string& message, int exit_status, const Console& console) {
  console.out.flush();
  console.err << "understudy: " << absl::StrReplaceAll(message, {{"\n", " "}, {"\r", " "}}) << std::endl;
  return exit_status;
}

// "understudy datasets show", as far as the command line was understood.
std::string ParsedCommand(const CLI::App& app) {
  std::string name = app.get_name();
  for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    absl::StrAppend(&name, " ", at->get_name());
  }
  return name;
}

// CLI11 misses the right subcommand before it sees the wrong one.
std::string Explain(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> unknown = app.remaining(true);
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError) && !unknown.empty()) {
    return absl::StrCat("unknown command or option '", unknown.front(), "'");
  }
  return error.what();
}

// The exit status, once all output has arrived.
int Flush(int exit_status, const Console& console) {
  const absl::Status written = FlushOutput(console.out);
  return written.ok() ? exit_status : Fail(std::string(written.message()), kFailure, console);
}

int Run(const Action& action, const Console& console) {
  try {
    const absl::StatusOr<int> exit_status = action(console);
    if (absl::IsCancelled(exit_status.status()))
      return Fail(std::string(exit_status.status().message()), kInterrupted, console);
    if (!exit_status.ok()) return Fail(std::string(exit_status.status().message()), kFailure, console);
    return Flush(*exit_status, console);
  } catch (const std::exception& error) {
    return Fail(error.what(), kFailure, console);
  }
}

}  // namespace

int RunCommandLine(std::vector<std::string> arguments, const Console& console) {
  CLI::App app(
      "Understudy trains an expert policy, records its demonstrations and clones it,\n"
      "on one machine (understudy run) or on a cluster.",
      "understudy");
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
  app.footer(
      "Example:\n  understudy run deploy/experiments/cartpole.yaml\n"
      "Every command has --help with an example.");
  Action action;
  AddRunCommand(app, action);
  AddExperimentCommands(app, action);
  AddClusterCommands(app, action);
  AddDatasetCommands(app, action);
  AddPolicyCommands(app, action);
  AddStoreCommands(app, action);
  NameEnvironmentVariables(app);

  std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
  try {
    app.parse(arguments);
    CheckEnvironmentVariables(app);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0)
      return Flush(app.exit(error, console.out, console.err), console);  // --help, --version
    return Fail(absl::StrCat(Explain(app, error), " (see ", ParsedCommand(app), " --help)"), kUsage, console);
  }
  return Run(action, console);
}

}  // namespace understudy
