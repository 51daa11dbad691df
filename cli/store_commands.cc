#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/commands.h"
#include "common/process/text.h"
#include "common/snapshot/checksum.h"
#include "coordinator/storage/open_store.h"
#include "coordinator/storage/postgres_url.h"

namespace understudy {
namespace {

constexpr char kSqlite[] = "sqlite:";
constexpr absl::Duration kProgressInterval = absl::Seconds(2);

// What is wrong with --from or --to, for OptionRules.
std::string CheckStorePlace(const std::string& place) {
  if (IsPostgresUrl(place)) return "";
  if (!absl::StartsWith(place, kSqlite) || place == kSqlite) return "expected sqlite:DIR or postgresql://…";
  return CheckPath(place.substr(sizeof(kSqlite) - 1));
}

// As OpenStore has it.
std::string PlaceOf(const std::string& text) {
  if (IsPostgresUrl(text)) return text;
  const std::string path(absl::StripPrefix(text, kSqlite));
  std::error_code none;
  if (!std::filesystem::is_regular_file(path, none)) return path;
  const std::string directory = std::filesystem::path(path).parent_path().string();
  return directory.empty() ? "." : directory;
}

struct MigrationSummary {
  std::vector<std::pair<std::string, int64_t>> rows;  // by table
  int64_t datasets = 0;                               // verified, all bytes of them
  int64_t policies = 0;
  int64_t checkpoints = 0;
};

absl::Status VerifyDatasets(Store& source, Store& target, MigrationSummary& summary) {
  const auto verify = [&](const v1::Dataset& dataset) -> absl::Status {
    const auto copy = target.GetDataset(dataset.name());
    if (!copy.ok()) return copy.status();
    const auto verified = target.VerifyDataset(dataset.name());
    if (!verified.ok()) return verified.status();
    if (!verified->problems().empty()) return absl::DataLossError(verified->problems(0));
    if (copy->digest() != dataset.digest() || verified->episodes() != dataset.episodes()) {
      return absl::DataLossError(absl::StrCat(
          "dataset '", dataset.name(), "': found ", CountText(verified->episodes(), "episode"), " and digest ",
          ToHex(copy->digest()), ", expected ", dataset.episodes(), " and ", ToHex(dataset.digest())));
    }
    ++summary.datasets;
    return absl::OkStatus();
  };
  return ForEachItem([&](const PageRequest& page) { return source.ListDatasets(page); }, verify);
}

absl::Status VerifyPolicies(Store& source, Store& target, MigrationSummary& summary) {
  const auto verify = [&](const v1::StoredPolicy& policy) -> absl::Status {
    const auto copy = target.LoadPolicy(policy.header().name(), policy.header().version());
    if (!copy.ok()) return copy.status();
    if ((*copy)->header.digest() != policy.header().digest()) {
      return absl::DataLossError(absl::StrCat("policy '", policy.header().name(), "' version ",
                                              policy.header().version(), ": found another digest than in the source"));
    }
    ++summary.policies;
    return absl::OkStatus();
  };
  return ForEachItem([&](const PageRequest& page) { return source.ListPolicies(page); }, verify);
}

absl::Status VerifyCheckpoints(Store& source, Store& target, MigrationSummary& summary) {
  const auto verify = [&](const v1::Experiment& experiment) -> absl::Status {
    for (int stage = 0; stage < experiment.stages_size(); ++stage) {
      const auto copy = target.GetCheckpoint(experiment.id(), stage);
      if (copy.ok()) ++summary.checkpoints;
      if (!copy.ok() && !absl::IsNotFound(copy.status())) return copy.status();
    }
    return absl::OkStatus();
  };
  return ForEachItem([&](const PageRequest& page) { return source.ListExperiments({}, page); }, verify);
}

// Copies a store. `from` and `to` are sqlite:DIR (a data directory, or the file in it) or a URL of PostgreSQL. The
// target is made if there is none, and must be empty. Both are held exclusively meanwhile, and the source stays as it
// is.
//
// Everything is copied at once: if the copying is interrupted, the target is as empty as before, and the copying can be
// done again. Then everything in the target is read and checked against its digests. `progress` gets a line now and
// then.
// FAILED_PRECONDITION: the target is not empty. DATA_LOSS: names what is damaged. Others: OpenStore's and the stores'.
absl::StatusOr<MigrationSummary> MigrateStore(const std::string& from, const std::string& to,
                                              const std::function<void(const std::string& line)>& progress) {
  const auto source = OpenStore(PlaceOf(from), DataDirectory::Mode::kWrite);
  if (!source.ok()) return source.status();
  const auto target = OpenStore(PlaceOf(to), DataDirectory::Mode::kCreate);
  if (!target.ok()) return target.status();

  MigrationSummary summary;
  absl::Time told = absl::Now();
  absl::Status status = (*source)->CopyTo(**target, [&](const std::string& table, int64_t rows, bool all) {
    if (all) summary.rows.emplace_back(table, rows);
    if (!all && absl::Now() < told + kProgressInterval) return;
    told = absl::Now();
    progress(absl::StrCat(table, ": ", CountText(rows), all ? " copied" : " so far"));
  });
  if (!status.ok()) return status;
  progress("verifying what was copied");
  status = VerifyDatasets(**source, **target, summary);
  if (status.ok()) status = VerifyPolicies(**source, **target, summary);
  if (status.ok()) status = VerifyCheckpoints(**source, **target, summary);
  if (!status.ok()) {
    return absl::Status(status.code(),
                        absl::StrCat("everything was copied, but not all of it is intact: ", status.message()));
  }
  return summary;
}

struct MigrateOptions {
  std::string from;
  std::string to;
  bool json = false;
};

absl::StatusOr<int> Migrate(const MigrateOptions& options, const Console& console) {
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
  const auto [command, options] = AddCommand<MigrateOptions>(
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
