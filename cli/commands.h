// The commands, one file a group. Each Add… function declares its commands and their options, and lets the one that is
// parsed choose the action.
#ifndef UNDERSTUDY_CLI_COMMANDS_H_
#define UNDERSTUDY_CLI_COMMANDS_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "cli/connection.h"
#include "cli/console.h"

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

// A subcommand with an example, whose options live as long as it does.
template <typename Options>
std::pair<CLI::App*, std::shared_ptr<Options>> AddCommand(
    CLI::App& parent, Action& action, const std::string& name, const std::string& description,
    const std::string& example, std::function<absl::StatusOr<int>(const Options&, const Console&)> run) {
  auto options = std::make_shared<Options>();
  CLI::App* command = parent.add_subcommand(name, description);
  command->footer("Example:\n  " + example);
  command->callback([options, run = std::move(run), &action] {
    action = [options, run](const Console& console) { return run(*options, console); };
  });
  return {command, options};
}

// For --data_dir: what is wrong with it, as CLI11 wants it.
std::string CheckDirectoryName(const std::string& path);
// The same for --store.
std::string CheckStoreUrl(const std::string& url);

// --coordinator
void AddCoordinatorOption(CLI::App& command, ConnectionOptions& options);
// --coordinator, or --data_dir, or --store. Where none of them is given, their environment variables count, in this
// order but for $UNDERSTUDY_STORE, which outranks $UNDERSTUDY_DATA_DIR.
void AddSourceOptions(CLI::App& command, ConnectionOptions& options);
// --older_than, which is required; ParseAge reads it.
void AddOlderThanOption(CLI::App& command, std::string& age);
// --json
void AddJsonFlag(CLI::App& command, bool& json);

// Prints one JSON value, indented.
void PrintJson(const nlohmann::ordered_json& value, const Console& console);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_COMMANDS_H_
