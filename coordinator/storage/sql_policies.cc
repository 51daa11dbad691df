// The part of SqlStore that keeps policies.
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/snapshot/checksum.h"
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
        int64_t latest = 0;
        {
          SqlStatement select =
              database.Prepare("SELECT version, digest FROM policies WHERE name = ? ORDER BY version DESC LIMIT 1");
          const absl::StatusOr<bool> row = select.Bind(header.name()).Step();
          if (!row.ok()) return row.status();
          if (*row) latest = select.Int64(0);
          header.set_version(latest);
          if (*row && select.Bytes(1) == header.digest()) return absl::OkStatus();
        }
        header.set_version(latest + 1);
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

absl::StatusOr<std::vector<v1::StoredPolicy>> SqlStore::ListPolicies() {
  std::vector<v1::StoredPolicy> policies;
  const absl::Status status = Read("list the policies", [&](SqlConnection& database) {
    policies.clear();
    SqlStatement select = database.Prepare(absl::StrCat(kSelect, "ORDER BY name, version"));
    while (true) {
      const absl::StatusOr<bool> row = select.Step();
      if (!row.ok()) return row.status();
      if (!*row) return absl::OkStatus();
      absl::StatusOr<v1::StoredPolicy> policy = CurrentPolicy(select);
      if (!policy.ok()) return policy.status();
      policies.push_back(*std::move(policy));
    }
  });
  if (!status.ok()) return status;
  return policies;
}

}  // namespace understudy
