#include "cli/commands.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/process/text.h"
#include "common/security/options.h"
#include "coordinator/storage/postgres_url.h"

namespace understudy {
namespace {

// A variable that is empty counts for one that is not set.
std::string EnvironmentText(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? "" : text;
}

void TakeFromEnvironment(const char* variable, std::string (*check)(const std::string&), std::string& value) {
  const std::string text = EnvironmentText(variable);
  if (text.empty()) return;
  if (const std::string wrong = check(text); !wrong.empty()) throw CLI::ValidationError(variable, wrong);
  value = text;
}

// Reads an age, such as "30d".
absl::StatusOr<absl::Duration> ParseAge(std::string_view text) {
  constexpr int64_t kMost = 1'000'000'000;
  int64_t number = 0;
  const std::string digits(text.substr(0, text.empty() ? 0 : text.size() - 1));
  const bool whole =
      std::all_of(digits.begin(), digits.end(), [](unsigned char c) { return absl::ascii_isdigit(c); }) &&
      absl::SimpleAtoi(digits, &number) && number <= kMost;
  switch (whole ? text.back() : ' ') {
    case 's':
      return absl::Seconds(number);
    case 'm':
      return absl::Minutes(number);
    case 'h':
      return absl::Hours(number);
    case 'd':
      return absl::Hours(24 * number);
    case 'w':
      return absl::Hours(7 * 24 * number);
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("found the age '", std::string(text), "', expected a number with s, m, h, d or w, as in 30d"));
  }
}

}  // namespace

CLI::App& AddGroup(CLI::App& app, const std::string& name, const std::string& description, const std::string& example) {
  CLI::App* group = app.add_subcommand(name, description);
  group->require_subcommand(1);
  group->footer("Example:\n  " + example);
  return *group;
}

CLI::App& AddSubcommand(CLI::App& parent, const std::string& name, const std::string& description,
                        const std::string& example, std::function<void()> chosen) {
  CLI::App* command = parent.add_subcommand(name, description);
  command->footer("Example:\n  " + example);
  command->callback(std::move(chosen));
  return *command;
}

void AddText(CLI::App& command, const std::string& name, std::string& value, const std::string& help,
             const OptionRules& rules) {
  CLI::Option* option = command.add_option(name, value, help)->required(rules.required);
  if (!rules.type.empty()) option->type_name(rules.type);
  if (rules.check != nullptr) option->check(rules.check);
  if (!rules.one_of.empty()) option->check(CLI::IsMember(rules.one_of));
  if (!value.empty()) option->capture_default_str();
}

void AddNumber(CLI::App& command, const std::string& name, int& value, const std::string& help, int least, int most) {
  command.add_option(name, value, help)->check(CLI::Range(least, most))->capture_default_str();
}

void AddWords(CLI::App& command, const std::string& name, std::vector<std::string>& values, const std::string& help) {
  command.add_option(name, values, help)->required();
}

void AddFlag(CLI::App& command, const std::string& name, bool& value, const std::string& help) {
  command.add_flag(name, value, help);
}

void AddSecurityOptions(CLI::App& command, ClientSecurity& security) { AddClientSecurityOptions(command, security); }

std::string CheckDirectoryName(const std::string& path) {
  return path.empty() ? "the name of the directory is empty" : CheckPath(path);
}

std::string CheckStoreUrl(const std::string& url) { return IsPostgresUrl(url) ? "" : "expected postgresql://…"; }

void AddCoordinatorOption(CLI::App& command, ConnectionOptions& options) {
  options.coordinators = DefaultCoordinator();
  command
      .add_option(
          "--coordinator", options.coordinators,
          "The coordinator's address, or several of which one is active; default: $UNDERSTUDY_COORDINATOR, else "
          "127.0.0.1:50051")
      ->type_name("HOST:PORT[,HOST:PORT...]");
  AddSecurityOptions(command, options.security);
}

void AddSourceOptions(CLI::App& command, ConnectionOptions& options) {
  AddCoordinatorOption(command, options);
  command
      .add_option("--data_dir", options.store,
                  "A data directory, instead of a running coordinator; default: $UNDERSTUDY_DATA_DIR, unless "
                  "$UNDERSTUDY_COORDINATOR is set")
      ->type_name("DIR")
      ->check(CheckDirectoryName)
      ->excludes("--coordinator");
  command
      .add_option("--store", options.store,
                  "A PostgreSQL database, instead of a running coordinator; default: $UNDERSTUDY_STORE, unless "
                  "$UNDERSTUDY_COORDINATOR is set")
      ->type_name("postgresql://[USER@]HOST[:PORT]/DATABASE")
      ->check(CheckStoreUrl)
      ->excludes("--coordinator")
      ->excludes("--data_dir");
  // Not by envname: for CLI11 a variable would be an option that excludes those which are given.
  command.parse_complete_callback([&command, &options] {
    for (const char* given : {"--coordinator", "--data_dir", "--store"}) {
      if (command.count(given) > 0) return;
    }
    if (!EnvironmentText("UNDERSTUDY_COORDINATOR").empty()) return;
    TakeFromEnvironment("UNDERSTUDY_DATA_DIR", CheckDirectoryName, options.store);
    TakeFromEnvironment("UNDERSTUDY_STORE", CheckStoreUrl, options.store);
  });
}

void AddListOptions(CLI::App& command, ListOptions& options) {
  CLI::Option* const limit = command.add_option("--limit", options.limit, "List this many at most")
                                 ->check(CLI::Range(int64_t{1}, int64_t{1'000'000'000}))
                                 ->capture_default_str();
  command.add_flag("--all", options.all, "List all of them")->excludes(limit);
  AddJsonFlag(command, options.json);
}

void AddOlderThanOption(CLI::App& command, absl::Duration& age) {
  command
      .add_option_function<std::string>(
          "--older_than",
          [&age](const std::string& text) {
            const absl::StatusOr<absl::Duration> parsed = ParseAge(text);
            if (!parsed.ok()) throw CLI::ValidationError("--older_than", std::string(parsed.status().message()));
            age = *parsed;
          },
          "The least age: a number with s, m, h, d or w")
      ->required()
      ->type_name("AGE");
}

void AddJsonFlag(CLI::App& command, bool& json) { AddFlag(command, "--json", json, "Print JSON"); }

void PrintJson(const nlohmann::ordered_json& value, const Console& console) { console.out << value.dump(2) << '\n'; }

void JsonList::Add(const nlohmann::ordered_json& element) {
  console_.out << (empty_ ? "[\n  " : ",\n  ") << absl::StrReplaceAll(element.dump(2), {{"\n", "\n  "}});
  empty_ = false;
}

void JsonList::End() { console_.out << (empty_ ? "[]\n" : "\n]\n"); }

}  // namespace understudy
