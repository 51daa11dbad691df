#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/store_migration.h"
#include "common/process/text.h"

namespace understudy {
namespace {

struct Options {
  std::string from;
  std::string to;
  bool json = false;
};

absl::StatusOr<int> Migrate(const Options& options, const Console& console) {
  const auto summary =
      MigrateStore(options.from, options.to, [&console](const std::string& line) { console.err << line << std::endl; });
  if (!summary.ok()) return summary.status();
  if (options.json) {
    auto rows = nlohmann::ordered_json::object();
    for (const auto& [table, count] : summary->rows) rows[table] = count;
    PrintJson(
        {{"rows", rows},
         {"verified",
          {{"datasets", summary->datasets}, {"policies", summary->policies}, {"checkpoints", summary->checkpoints}}}},
        console);
  } else {
    console.out << "migrated: " << CountText(summary->datasets, "dataset") << ", "
                << CountText(summary->policies, "policy", "policies") << " and "
                << CountText(summary->checkpoints, "checkpoint") << " are there as they were written\n";
  }
  return 0;
}

}  // namespace

void AddStoreCommands(CLI::App& app, Action& action) {
  CLI::App& group =
      AddGroup(app, "store", "Copy a store to another place",
               "understudy store migrate --from sqlite:understudy-data --to postgresql://user@host/understudy");
  const auto [command, options] = AddCommand<Options>(
      group, action, "migrate",
      "Copy everything to an empty store and verify it. No coordinator may be running on either store",
      "understudy store migrate --from sqlite:understudy-data --to postgresql://user@host/understudy", Migrate);
  AddText(*command, "--from", options->from, "The store to copy, which stays as it is",
          {.type = "PLACE", .required = true, .check = CheckStorePlace});
  AddText(*command, "--to", options->to, "The store to copy to; it is made if it does not exist",
          {.type = "PLACE", .required = true, .check = CheckStorePlace});
  AddJsonFlag(*command, options->json);
}

}  // namespace understudy
