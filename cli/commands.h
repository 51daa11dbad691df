// The commands, one file a group. Each Add… function declares its commands and their options, and lets the one that is
// parsed choose the action.
#ifndef UNDERSTUDY_CLI_COMMANDS_H_
#define UNDERSTUDY_CLI_COMMANDS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/connection.h"
#include "cli/console.h"

// The parser of command lines. Its header, <CLI/CLI.hpp>, takes longer to compile than all the rest of a command: only
// commands.cc and command_line.cc include it, and commands declare their options with the functions below.
namespace CLI {
class App;
}

namespace understudy {

// Does what the command line asks for, and returns the exit status. An error is printed by the caller, and is exit
// status 1; CANCELLED, which is the user's doing, is 130.
using Action = std::function<absl::StatusOr<int>(const Console&)>;

void AddRunCommand(CLI::App& app, Action& action);
void AddExperimentCommands(CLI::App& app, Action& action);
void AddMetricsCommand(CLI::App& experiments, Action& action);
void AddWorkerCommands(CLI::App& app, Action& action);
void AddDatasetCommands(CLI::App& app, Action& action);
void AddExportCommand(CLI::App& datasets, Action& action);
void AddPolicyCommands(CLI::App& app, Action& action);
void AddStoreCommands(CLI::App& app, Action& action);
void AddHealthCommand(CLI::App& app, Action& action);

// What most commands take.
struct ClientOptions {
  ConnectionOptions connection;
  std::string name;  // of what the command is about, where it is about one thing
  bool json = false;
};

// A command group, whose help shows an example of its own. One of its subcommands is required.
CLI::App& AddGroup(CLI::App& app, const std::string& name, const std::string& description, const std::string& example);

CLI::App& AddSubcommand(CLI::App& parent, const std::string& name, const std::string& description,
                        const std::string& example, std::function<void()> chosen);

// A subcommand with an example, whose options live as long as it does.
template <typename Options>
std::pair<CLI::App*, std::shared_ptr<Options>> AddCommand(
    CLI::App& parent, Action& action, const std::string& name, const std::string& description,
    const std::string& example, std::function<absl::StatusOr<int>(const Options&, const Console&)> run) {
  auto options = std::make_shared<Options>();
  CLI::App& command = AddSubcommand(parent, name, description, example, [options, run = std::move(run), &action] {
    action = [options, run](const Console& console) { return run(*options, console); };
  });
  return {&command, options};
}

// What the values of an option may be.
struct OptionRules {
  std::string type = {};  // what the help shows for the value: "FILE"
  bool required = false;
  std::string (*check)(const std::string& value) = nullptr;  // returns what is wrong; "": nothing
  std::vector<std::string> one_of = {};                      // not empty: the values that there are
};

// An option with a value (`name` is "--format") or an argument ("NAME"). `value` holds the default.
void AddText(CLI::App& command, const std::string& name, std::string& value, const std::string& help,
             const OptionRules& rules = {});
// The same for a number from `least` to `most`.
void AddNumber(CLI::App& command, const std::string& name, int& value, const std::string& help, int least, int most);
// An argument that may be given several times, at least once.
void AddWords(CLI::App& command, const std::string& name, std::vector<std::string>& values, const std::string& help);
// An option without a value.
void AddFlag(CLI::App& command, const std::string& name, bool& value, const std::string& help);

// Checks for OptionRules: a directory's name, and a URL for --store.
std::string CheckDirectoryName(const std::string& path);
std::string CheckStoreUrl(const std::string& url);

// --tls_dir and --token_file
void AddSecurityOptions(CLI::App& command, ClientSecurity& security);
// --coordinator
void AddCoordinatorOption(CLI::App& command, ConnectionOptions& options);
// --coordinator, or --data_dir, or --store. Where none of them is given, their environment variables count, in this
// order but for $UNDERSTUDY_STORE, which outranks $UNDERSTUDY_DATA_DIR.
void AddSourceOptions(CLI::App& command, ConnectionOptions& options);
// --limit and --all
void AddLimitOptions(CLI::App& command, int64_t& limit, bool& all);
// --older_than, which is required; ParseAge reads it.
void AddOlderThanOption(CLI::App& command, std::string& age);
// --json
void AddJsonFlag(CLI::App& command, bool& json);

// Prints one JSON value, indented.
void PrintJson(const nlohmann::ordered_json& value, const Console& console);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_COMMANDS_H_
