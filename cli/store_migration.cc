#include "cli/store_migration.h"

#include <filesystem>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/process/text.h"
#include "common/snapshot/policy_snapshot.h"
#include "coordinator/storage/open_store.h"
#include "coordinator/storage/postgres_url.h"

namespace understudy {
namespace {

constexpr char kSqlite[] = "sqlite:";
constexpr absl::Duration kProgressInterval = absl::Seconds(2);

// As OpenStore has it.
std::string PlaceOf(const std::string& text) {
  if (IsPostgresUrl(text)) return text;
  const std::string path(absl::StripPrefix(text, kSqlite));
  std::error_code none;
  if (!std::filesystem::is_regular_file(path, none)) return path;
  const std::string directory = std::filesystem::path(path).parent_path().string();
  return directory.empty() ? "." : directory;
}

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

}  // namespace

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

std::string CheckStorePlace(const std::string& place) {
  if (IsPostgresUrl(place)) return "";
  if (!absl::StartsWith(place, kSqlite) || place == kSqlite) return "expected sqlite:DIR or postgresql://…";
  return CheckPath(place.substr(sizeof(kSqlite) - 1));
}

}  // namespace understudy
