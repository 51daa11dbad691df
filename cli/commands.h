// Declares the commands of the program, one file a group. Each Add… function declares its commands and their options.
// The command that is parsed chooses the action.
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

// The parser of command lines. Only commands.cc and command_line.cc include its header, <CLI/CLI.hpp>, because it takes
// longer to compile than all the rest of a command. Commands declare their options with the functions below.
namespace CLI {
class App;
}

namespace understudy {

// Does what the command line asks for, and returns the exit status. The caller prints an error. An error is exit status
// 1, except for CANCELLED: the user interrupted the command, and the exit status is 130.
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

// The options that most commands take.
struct ClientOptions {
  ConnectionOptions connection;
  std::string name;  // of the one thing that the command is about, if there is one
  bool json = false;
};

// Adds a command group, whose help shows an example of its own. One of its subcommands is required.
CLI::App& AddGroup(CLI::App& app, const std::string& name, const std::string& description, const std::string& example);

// Adds a subcommand with an example. `chosen` is called if the subcommand is parsed.
CLI::App& AddSubcommand(CLI::App& parent, const std::string& name, const std::string& description,
                        const std::string& example, std::function<void()> chosen);

// Adds a subcommand with an example, and the options that it fills in, which live as long as it does.
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

// The rules for the values of an option.
struct OptionRules {
  std::string type = {};  // what the help shows for the value: "FILE"
  bool required = false;
  std::string (*check)(const std::string& value) = nullptr;  // returns what is wrong; "": nothing
  std::vector<std::string> one_of = {};                      // if not empty, the only values
};

// Adds an option with a value (`name` is "--format") or an argument ("NAME"). `value` holds the default.
void AddText(CLI::App& command, const std::string& name, std::string& value, const std::string& help,
             const OptionRules& rules = {});
// Adds an option or an argument that is a number from `least` to `most`. `value` holds the default.
void AddNumber(CLI::App& command, const std::string& name, int& value, const std::string& help, int least, int most);
// Adds an argument that may be given several times, at least once.
void AddWords(CLI::App& command, const std::string& name, std::vector<std::string>& values, const std::string& help);
// Adds an option without a value.
void AddFlag(CLI::App& command, const std::string& name, bool& value, const std::string& help);

// Checks a directory's name, for OptionRules.
std::string CheckDirectoryName(const std::string& path);
// Checks a URL for --store, for OptionRules.
std::string CheckStoreUrl(const std::string& url);

// Adds --tls_dir and --token_file.
void AddSecurityOptions(CLI::App& command, ClientSecurity& security);
// Adds --coordinator.
void AddCoordinatorOption(CLI::App& command, ConnectionOptions& options);
// Adds --coordinator, --data_dir and --store, of which one may be given. If none is, environment variables count:
// $UNDERSTUDY_COORDINATOR first, then $UNDERSTUDY_STORE, then $UNDERSTUDY_DATA_DIR.
void AddSourceOptions(CLI::App& command, ConnectionOptions& options);
// Adds --limit and --all.
void AddLimitOptions(CLI::App& command, int64_t& limit, bool& all);
// Adds --older_than, which is required; ParseAge reads it.
void AddOlderThanOption(CLI::App& command, std::string& age);
// Adds --json.
void AddJsonFlag(CLI::App& command, bool& json);

// Prints one JSON value, indented.
void PrintJson(const nlohmann::ordered_json& value, const Console& console);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_COMMANDS_H_
