// The part of SqlStore that keeps what a stage that is under way goes on from: checkpoints and outcomes.
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/snapshot/checksum.h"
#include "common/snapshot/policy_snapshot.h"
#include "coordinator/storage/experiment_rows.h"
#include "coordinator/storage/sql_store.h"

namespace understudy {
namespace {

std::string StageText(const std::string& experiment, int stage) {
  return absl::StrCat("experiment '", experiment, "', stage ", stage + 1);
}

std::string CheckpointText(const v1::CheckpointHeader& header) {
  return absl::StrCat("checkpoint of ", StageText(header.stage().experiment_id(), header.stage().stage()), ", epoch ",
                      header.stage().epoch(), ", iteration ", header.iteration());
}

// Whether the content is what its header says; `code` says what it means where it is not.
absl::Status CheckContent(const v1::CheckpointHeader& header, std::string_view content, absl::StatusCode code) {
  const auto size = static_cast<int64_t>(content.size());
  if (size != header.size()) {
    return absl::Status(code, absl::StrCat(CheckpointText(header), ": found ", size, " bytes, expected ", header.size(),
                                           " as its header says"));
  }
  const uint64_t found = Checksum(content);
  if (found == header.checksum()) return absl::OkStatus();
  return absl::Status(code, absl::StrCat(CheckpointText(header), ": found checksum ", ChecksumText(found),
                                         ", expected ", ChecksumText(header.checksum()), " as its header says"));
}

std::string ChecksumBytes(uint64_t checksum) { return {reinterpret_cast<const char*>(&checksum), sizeof(checksum)}; }

// Whether the content is what was stored, whose `digest` is its checksum; or its SHA-256, from an earlier build:
// training that was under way then goes on. Fills in the header's checksum.
absl::Status CheckStored(StoredCheckpoint& checkpoint, const std::string& digest) {
  uint64_t checksum = Checksum(checkpoint.content);
  if (digest.size() == sizeof(checksum)) {
    std::memcpy(&checksum, digest.data(), sizeof(checksum));
  } else if (const std::string found = Sha256(checkpoint.content); found != digest) {
    return absl::DataLossError(absl::StrCat(CheckpointText(checkpoint.header), ": found SHA-256 ", ToHex(found),
                                            ", expected ", ToHex(digest), " as was stored with it"));
  }
  checkpoint.header.set_checksum(checksum);
  return CheckContent(checkpoint.header, checkpoint.content, absl::StatusCode::kDataLoss);
}

absl::StatusOr<bool> IsLater(SqlConnection& database, const v1::CheckpointHeader& header) {
  SqlStatement select =
      database.Prepare("SELECT 1 FROM checkpoints WHERE experiment = ? AND stage = ? AND (epoch, iteration) >= (?, ?)");
  const v1::StageKey& stage = header.stage();
  const absl::StatusOr<bool> as_late =
      select.Bind(stage.experiment_id(), stage.stage(), stage.epoch(), header.iteration()).Step();
  if (!as_late.ok()) return as_late.status();
  return !*as_late;
}

absl::StatusOr<int64_t> InsertContent(SqlConnection& database, std::string_view content) {
  SqlStatement insert = database.Prepare("INSERT INTO checkpoint_contents (content) VALUES (?) RETURNING id");
  const absl::StatusOr<bool> row = insert.Bind(Blob{content}).Step();
  if (!row.ok()) return row.status();
  const int64_t id = insert.Int64(0);
  if (absl::Status status = insert.Run(); !status.ok()) return status;
  return id;
}

absl::Status PutHeader(SqlConnection& database, const v1::CheckpointHeader& header, int64_t content_id) {
  SqlStatement put = database.Prepare(
      "INSERT INTO checkpoints (experiment, stage, epoch, iteration, size, content, digest) "
      "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (experiment, stage) DO UPDATE SET epoch = excluded.epoch, "
      "iteration = excluded.iteration, size = excluded.size, content = excluded.content, digest = excluded.digest");
  const v1::StageKey& stage = header.stage();
  return put
      .Bind(stage.experiment_id(), stage.stage(), stage.epoch(), header.iteration(), header.size(), content_id,
            Blob{ChecksumBytes(header.checksum())})
      .Run();
}

absl::Status SelectCheckpoint(SqlConnection& database, StoredCheckpoint& checkpoint, std::string& digest) {
  v1::StageKey& stage = *checkpoint.header.mutable_stage();
  SqlStatement select = database.Prepare(
      "SELECT epoch, iteration, size, digest, (SELECT content FROM checkpoint_contents WHERE id = checkpoints.content) "
      "FROM checkpoints WHERE experiment = ? AND stage = ?");
  const absl::StatusOr<bool> row = select.Bind(stage.experiment_id(), stage.stage()).Step();
  if (!row.ok()) return row.status();
  if (!*row) {
    return absl::NotFoundError(
        absl::StrCat("there is no checkpoint of ", StageText(stage.experiment_id(), stage.stage())));
  }
  stage.set_epoch(select.Int64(0));
  checkpoint.header.set_iteration(select.Int64(1));
  checkpoint.header.set_size(select.Int64(2));
  digest = select.String(3);
  checkpoint.content = select.String(4);
  return absl::OkStatus();
}

}  // namespace

absl::Status SqlStore::PutCheckpoint(const v1::CheckpointHeader& header, std::string_view content) {
  if (static_cast<int64_t>(content.size()) > kMaxCheckpointBytes) {
    return absl::InvalidArgumentError(absl::StrCat(CheckpointText(header), ": found ", content.size(),
                                                   " bytes, expected at most ", kMaxCheckpointBytes));
  }
  if (absl::Status status = CheckContent(header, content, absl::StatusCode::kInvalidArgument); !status.ok()) {
    return status;
  }
  const v1::StageKey& stage = header.stage();
  return WriteAndDrop(
      absl::StrCat("store the ", CheckpointText(header)), [&](SqlConnection& database, bool drop) -> absl::Status {
        const absl::StatusOr<bool> later = IsLater(database, header);
        if (!later.ok() || !*later) return later.status();
        // First, so that its pages serve again.
        absl::Status status =
            drop ? DropCheckpointContent(database, stage.experiment_id(), stage.stage()) : absl::OkStatus();
        if (!status.ok()) return status;
        const absl::StatusOr<int64_t> content_id = InsertContent(database, content);
        return content_id.ok() ? PutHeader(database, header, *content_id) : content_id.status();
      });
}

absl::StatusOr<StoredCheckpoint> SqlStore::GetCheckpoint(const std::string& experiment, int stage) {
  StoredCheckpoint checkpoint;
  checkpoint.header.mutable_stage()->set_experiment_id(experiment);
  checkpoint.header.mutable_stage()->set_stage(stage);
  std::string digest;
  absl::Status status = Read(absl::StrCat("load the checkpoint of ", StageText(experiment, stage)),
                             [&](SqlConnection& database) { return SelectCheckpoint(database, checkpoint, digest); });
  if (status.ok()) status = CheckStored(checkpoint, digest);
  if (!status.ok()) return status;
  return checkpoint;
}

absl::Status SqlStore::AppendOutcomes(const std::string& experiment, int stage,
                                      const std::vector<EpisodeOutcome>& outcomes) {
  return Write(absl::StrCat("store outcomes of ", StageText(experiment, stage)), [&](SqlConnection& database) {
    SqlStatement insert = database.Prepare(
        "INSERT INTO outcomes (experiment, stage, number, steps, return) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (experiment, stage, number) DO NOTHING");
    for (const EpisodeOutcome& outcome : outcomes) {
      const absl::Status status =
          insert.Bind(experiment, stage, outcome.number, outcome.steps, outcome.undiscounted_return).Run();
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<EpisodeOutcome>> SqlStore::ListOutcomes(const std::string& experiment, int stage) {
  absl::StatusOr<std::vector<EpisodeOutcome>> outcomes;
  const absl::Status status =
      Read(absl::StrCat("list outcomes of ", StageText(experiment, stage)), [&](SqlConnection& database) {
        SqlStatement select = database.Prepare(
            "SELECT number, steps, return FROM outcomes WHERE experiment = ? AND stage = ? ORDER BY number");
        outcomes = ReadOutcomes(select.Bind(experiment, stage));
        return outcomes.status();
      });
  if (!status.ok()) return status;
  return outcomes;
}

}  // namespace understudy
