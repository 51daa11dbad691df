#include "cli/commands.h"

#include <nlohmann/json.hpp>

#include "cli/number_format.h"
#include "common/security/options.h"
#include "coordinator/storage/postgres_url.h"

namespace understudy {

CLI::App& AddGroup(CLI::App& app, const std::string& name, const std::string& description) {
  CLI::App* group = app.add_subcommand(name, description);
  group->require_subcommand(1);
  return *group;
}

std::string CheckDirectoryName(const std::string& path) {
  return path.empty() ? "the name of the directory is empty" : "";
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
  AddClientSecurityOptions(command, options.security);
}

void AddSourceOptions(CLI::App& command, ConnectionOptions& options) {
  AddCoordinatorOption(command, options);
  options.store = DefaultDataDirectory();
  // What the command line says wins over the environment.
  command.get_option("--coordinator")->each([&options](const std::string&) { options.store.clear(); });
  command
      .add_option("--data_dir", options.store,
                  "A data directory, instead of a running coordinator; default: $UNDERSTUDY_DATA_DIR, unless "
                  "$UNDERSTUDY_COORDINATOR is set")
      ->type_name("DIR")
      ->check(CheckDirectoryName)
      ->excludes("--coordinator");
  command.add_option("--store", options.store, "A PostgreSQL database, instead of a running coordinator")
      ->type_name("postgresql://[USER@]HOST[:PORT]/DATABASE")
      ->check(CheckStoreUrl)
      ->excludes("--coordinator")
      ->excludes("--data_dir");
}

void AddOlderThanOption(CLI::App& command, std::string& age) {
  command.add_option("--older_than", age, "How long ago at least: a number with s, m, h, d or w")
      ->required()
      ->type_name("AGE")
      ->check([](const std::string& text) {
        const absl::Status status = ParseAge(text).status();
        return std::string(status.message());
      });
}

void AddJsonFlag(CLI::App& command, bool& json) { command.add_flag("--json", json, "Print JSON"); }

void PrintJson(const nlohmann::ordered_json& value, const Console& console) { console.out << value.dump(2) << '\n'; }

}  // namespace understudy
