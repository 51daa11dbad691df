// The part of SqlStore that keeps policies.
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/snapshot/checksum.h"
#include "coordinator/storage/sql_page.h"
#include "coordinator/storage/sql_store.h"

namespace understudy {
namespace {

constexpr char kSelect[] = "SELECT name, version, experiment, stage, created_unix_ms, header FROM policies ";

absl::StatusOr<v1::StoredPolicy> CurrentPolicy(const SqlStatement& row) {
  v1::StoredPolicy policy;
  policy.set_experiment_id(row.String(2));
  policy.set_stage(static_cast<int32_t>(row.Int64(3)));
  policy.set_created_unix_ms(row.Int64(4));
  const std::string_view header = row.Bytes(5);
  if (!policy.mutable_header()->ParseFromArray(header.data(), static_cast<int>(header.size())) ||
      policy.header().name() != row.Bytes(0) || policy.header().version() != row.Int64(1)) {
    return absl::DataLossError(
        absl::StrCat("policy '", row.String(0), "' version ", row.Int64(1), ": its stored header is damaged"));
  }
  return policy;
}

absl::Status NoSuchPolicy(SqlConnection& database, const std::string& name, int64_t version) {
  SqlStatement select = database.Prepare("SELECT count(*), min(version), max(version) FROM policies WHERE name = ?");
  const absl::StatusOr<bool> row = select.Bind(name).Step();
  if (!row.ok()) return row.status();
  if (select.Int64(0) == 0) return absl::NotFoundError(absl::StrCat("there is no policy '", name, "'"));
  return absl::NotFoundError(absl::StrCat("policy '", name, "' has no version ", version, ", it has versions ",
                                          select.Int64(1), " to ", select.Int64(2)));
}

absl::StatusOr<v1::StoredPolicy> FindPolicy(SqlConnection& database, const std::string& name, int64_t version) {
  SqlStatement select = version == 0
                            ? database.Prepare(absl::StrCat(kSelect, "WHERE name = ? ORDER BY version DESC LIMIT 1"))
                            : database.Prepare(absl::StrCat(kSelect, "WHERE name = ? AND version = ?"));
  const absl::StatusOr<bool> row = version == 0 ? select.Bind(name).Step() : select.Bind(name, version).Step();
  if (!row.ok()) return row.status();
  if (!*row) return NoSuchPolicy(database, name, version);
  return CurrentPolicy(select);
}

// The counter that remembers the highest number of a policy whose highest version was deleted.
std::string DeletedCounter(const std::string& name) { return absl::StrCat("deleted policy ", name); }

// The highest number that was ever given to a version of the policy; 0: none was.
absl::StatusOr<int64_t> HighestNumber(SqlConnection& database, const std::string& name) {
  SqlStatement select = database.Prepare(
      "SELECT coalesce(max(number), 0) FROM (SELECT max(version) AS number FROM policies WHERE name = ? "
      "UNION ALL SELECT value FROM counters WHERE name = ?) AS numbers");
  const std::string counter = DeletedCounter(name);
  const absl::StatusOr<bool> row = select.Bind(name, counter).Step();
  if (!row.ok()) return row.status();
  return *row ? select.Int64(0) : 0;
}

absl::Status CheckDigest(const PolicySnapshot& snapshot) {
  const v1::PolicyHeader& header = snapshot.header;
  const std::string found = PolicyDigest(ArchitectureFingerprint(header), snapshot.parameters);
  if (found == header.digest()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("policy '", header.name(), "' version ", header.version(),
                                          ": what is stored has digest ", ToHex(found), ", expected ",
                                          ToHex(header.digest())));
}

}  // namespace

absl::StatusOr<int64_t> SqlStore::AddPolicy(const PolicySnapshot& snapshot, const v1::StageKey& origin) {
  v1::PolicyHeader header = snapshot.header;
  header.set_digest(snapshot.Digest());
  const absl::Status status =
      Write(absl::StrCat("store policy '", header.name(), "'"), [&](SqlConnection& database) -> absl::Status {
        {
          SqlStatement select =
              database.Prepare("SELECT version, digest FROM policies WHERE name = ? ORDER BY version DESC LIMIT 1");
          const absl::StatusOr<bool> row = select.Bind(header.name()).Step();
          if (!row.ok()) return row.status();
          if (*row) header.set_version(select.Int64(0));
          if (*row && select.Bytes(1) == header.digest()) return absl::OkStatus();
        }
        const absl::StatusOr<int64_t> highest = HighestNumber(database, header.name());
        if (!highest.ok()) return highest.status();
        header.set_version(*highest + 1);
        const std::string header_bytes = header.SerializeAsString();
        SqlStatement insert = database.Prepare(
            "INSERT INTO policies (name, version, experiment, stage, created_unix_ms, digest, header, parameters) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
        return insert
            .Bind(header.name(), header.version(), origin.experiment_id(), origin.stage(),
                  absl::ToUnixMillis(absl::Now()), Blob{header.digest()}, Blob{header_bytes}, Blob{snapshot.parameters})
            .Run();
      });
  if (!status.ok()) return status;
  return header.version();
}

absl::StatusOr<v1::StoredPolicy> SqlStore::GetPolicy(const std::string& name, int64_t version) {
  absl::StatusOr<v1::StoredPolicy> policy;
  const absl::Status status = Read(absl::StrCat("read policy '", name, "'"), [&](SqlConnection& database) {
    policy = FindPolicy(database, name, version);
    return policy.status();
  });
  if (!status.ok()) return status;
  return policy;
}

absl::StatusOr<std::shared_ptr<const PolicySnapshot>> SqlStore::LoadPolicy(const std::string& name, int64_t version) {
  auto snapshot = std::make_shared<PolicySnapshot>();
  absl::Status status = Read(absl::StrCat("load policy '", name, "'"), [&](SqlConnection& database) {
    absl::StatusOr<v1::StoredPolicy> policy = FindPolicy(database, name, version);
    if (!policy.ok()) return policy.status();
    snapshot->header = std::move(*policy->mutable_header());
    SqlStatement select = database.Prepare("SELECT parameters FROM policies WHERE name = ? AND version = ?");
    const absl::StatusOr<bool> row = select.Bind(snapshot->header.name(), snapshot->header.version()).Step();
    if (!row.ok()) return row.status();
    snapshot->parameters = select.String(0);
    return absl::OkStatus();
  });
  if (status.ok()) status = CheckDigest(*snapshot);
  if (!status.ok()) return status;
  snapshot->checksum = Checksum(snapshot->parameters);
  return snapshot;
}

absl::StatusOr<Page<v1::StoredPolicy>> SqlStore::ListPolicies(const PageRequest& request) {
  constexpr char kPolicies[] = "policies";
  const absl::StatusOr<int64_t> size = PageSize(request);
  if (!size.ok()) return size.status();
  const auto key = ParsePageToken(kPolicies, request.token, 2);
  if (!key.ok()) return key.status();
  const std::string name = key->empty() ? "" : key->front();
  int64_t version = 0;
  if (!key->empty() && !absl::SimpleAtoi(key->back(), &version)) version = 0;

  absl::StatusOr<Page<v1::StoredPolicy>> page;
  const absl::Status status = Read("list the policies", [&](SqlConnection& database) {
    SqlStatement select =
        database.Prepare(absl::StrCat(kSelect, "WHERE (name, version) > (?, ?) ORDER BY name, version LIMIT ?"));
    page = ReadPageOf<v1::StoredPolicy>(
        kPolicies, select.Bind(name, version, *size + 1), *size,
        [](const SqlStatement& row) -> absl::StatusOr<std::optional<v1::StoredPolicy>> { return CurrentPolicy(row); },
        [](const SqlStatement& row) { return std::vector<std::string>{row.String(0), absl::StrCat(row.Int64(1))}; });
    return page.status();
  });
  if (!status.ok()) return status;
  return page;
}

absl::StatusOr<int64_t> SqlStore::DeletePolicy(const std::string& name, int64_t version) {
  int64_t deleted = 0;
  const absl::Status status =
      Write(absl::StrCat("delete policy '", name, "'"), [&](SqlConnection& database) -> absl::Status {
        const absl::StatusOr<int64_t> highest = HighestNumber(database, name);
        if (!highest.ok()) return highest.status();
        SqlStatement remove = version == 0 ? database.Prepare("DELETE FROM policies WHERE name = ?")
                                           : database.Prepare("DELETE FROM policies WHERE name = ? AND version = ?");
        const absl::Status removed = version == 0 ? remove.Bind(name).Run() : remove.Bind(name, version).Run();
        if (!removed.ok()) return removed;
        deleted = database.changes();
        if (deleted == 0) return NoSuchPolicy(database, name, version);
        SqlStatement put = database.Prepare(
            "INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value");
        const std::string counter = DeletedCounter(name);
        return put.Bind(counter, *highest).Run();
      });
  if (!status.ok()) return status;
  return deleted;
}

}  // namespace understudy
