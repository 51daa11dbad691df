// What the commands of the program are made of: their options, and how they print lists. Each group of commands has a
// file, whose Add… function declares the commands and their options. The command that is parsed chooses the action.
#ifndef UNDERSTUDY_CLI_COMMANDS_H_
#define UNDERSTUDY_CLI_COMMANDS_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
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
void AddDatasetCommands(CLI::App& app, Action& action);
void AddPolicyCommands(CLI::App& app, Action& action);
void AddStoreCommands(CLI::App& app, Action& action);
void AddClusterCommands(CLI::App& app, Action& action);

// The options that most commands take.
struct ClientOptions {
  ConnectionOptions connection;
  std::string name;  // of the one thing that the command is about, if there is one
  bool json = false;
};

// The options of the `list` commands.
struct ListOptions : ClientOptions {
  int64_t limit = 100;
  bool all = false;
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
// Adds --limit, --all and --json.
void AddListOptions(CLI::App& command, ListOptions& options);
// Adds --older_than, which is required: an age such as "30d", a whole number of s, m, h, d or w.
void AddOlderThanOption(CLI::App& command, absl::Duration& age);
// Adds --json.
void AddJsonFlag(CLI::App& command, bool& json);

// Prints one JSON value, indented.
void PrintJson(const nlohmann::ordered_json& value, const Console& console);

// Prints a JSON array an element at a time, in the form in which PrintJson would print the whole.
class JsonList {
 public:
  explicit JsonList(const Console& console) : console_(console) {}
  void Add(const nlohmann::ordered_json& element);
  void End();

 private:
  const Console& console_;
  bool empty_ = true;
};

// Reads a list: calls `method` of `stub` for page after page. Calls `visit` with each item of `items` (a field of the
// response, by its mutable accessor) until it returns false.
// Errors: the first call's that fails.
template <typename Stub, typename Request, typename Response, typename Items, typename Visit>
absl::Status ReadList(const Connection& connection,
                      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), Stub& stub,
                      Request request, Items* (Response::*items)(), const Visit& visit) {
  constexpr int kItemsAtATime = 1000;
  if (request.page_size() == 0) request.set_page_size(kItemsAtATime);
  do {
    absl::StatusOr<Response> response = connection.Quick(method, stub, request);
    if (!response.ok()) return response.status();
    for (auto& item : *((*response).*items)()) {
      if (!visit(std::move(item))) return absl::OkStatus();
    }
    request.set_page_token(response->next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

// Reads a list from what the options connect to, as ReadList does with the stub that `stub` returns. Prints as many of
// its first items as the options allow: `json(item)` as JSON, or `table(items)`. `plural` names the items. If there are
// more, a line on standard error says so. Returns the command's exit status.
template <typename Stub, typename Request, typename Response, typename Item, template <typename> typename Repeated,
          typename ToJson, typename ToTable>
absl::StatusOr<int> PrintList(const ListOptions& options, const Console& console, const std::string& plural,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                              Stub& (Connection::*stub)(), Request request, Repeated<Item>* (Response::*items)(),
                              const ToJson& json, const ToTable& table) {
  const auto connection = Connection::Open(options.connection, Access::kRead);
  if (!connection.ok()) return connection.status();
  constexpr int64_t kMostAtATime = 1000;
  const int64_t limit = options.all ? std::numeric_limits<int64_t>::max() - 1 : options.limit;
  request.set_page_size(static_cast<int32_t>(std::min(limit + 1, kMostAtATime)));
  JsonList list(console);
  std::vector<Item> rows;
  int64_t count = 0;
  const absl::Status status = ReadList(**connection, method, ((**connection).*stub)(), request, items, [&](Item item) {
    if (count++ == limit) return false;
    if (options.json) {
      list.Add(json(item));
    } else {
      rows.push_back(std::move(item));
    }
    return true;
  });
  if (!status.ok()) return status;
  if (options.json) {
    list.End();
  } else if (rows.empty()) {
    console.out << "no " << plural << '\n';
  } else {
    console.out << table(rows);
  }
  if (count > limit) {
    console.out.flush();
    console.err << "understudy: there are more than these " << limit << " " << plural << "; --all lists them all"
                << std::endl;
  }
  return 0;
}

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_COMMANDS_H_
