#include "common/snapshot/checkpoint_chunks.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/snapshot/checksum.h"
#include "common/snapshot/policy_snapshot.h"

namespace understudy {
namespace {

constexpr int64_t kMaxIdBytes = 256;

absl::Status CheckRange(const char* field, int64_t value, int64_t minimum, int64_t maximum) {
  if (value >= minimum && value <= maximum) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("checkpoint header: found ", field, " ", value, ", expected ", minimum, " to ", maximum));
}

absl::Status ValidateHeader(const v1::CheckpointHeader& header) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  absl::Status status = CheckRange("stage.experiment_id length",
                                   static_cast<int64_t>(header.stage().experiment_id().size()), 1, kMaxIdBytes);
  status.Update(CheckRange("stage.stage", header.stage().stage(), 0, std::numeric_limits<int32_t>::max()));
  status.Update(CheckRange("stage.epoch", header.stage().epoch(), 1, kMax));
  status.Update(CheckRange("iteration", header.iteration(), 1, kMax));
  status.Update(CheckRange("size", header.size(), 1, kMaxCheckpointBytes));
  return status;
}

absl::Status CheckChunk(int64_t received, int64_t chunk, int64_t expected) {
  if (chunk < 1 || chunk > kCheckpointChunkBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("checkpoint chunk: found ", chunk, " bytes, expected 1 to ", kCheckpointChunkBytes));
  }
  if (chunk > expected - received) {
    return absl::InvalidArgumentError(absl::StrCat("checkpoint chunk: found ", received + chunk,
                                                   " bytes of content, expected ", expected, " in all"));
  }
  return absl::OkStatus();
}

absl::Status CheckChecksum(const v1::CheckpointHeader& header, std::string_view content) {
  const uint64_t found = Checksum(content);
  if (found == header.checksum()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("checkpoint: found checksum ", ChecksumText(found), ", expected ",
                                          ChecksumText(header.checksum()), " as its header says"));
}

}  // namespace

v1::CheckpointHeader MakeCheckpointHeader(const v1::StageKey& stage, int64_t iteration, std::string_view content) {
  v1::CheckpointHeader header;
  *header.mutable_stage() = stage;
  header.set_iteration(iteration);
  header.set_size(static_cast<int64_t>(content.size()));
  header.set_checksum(Checksum(content));
  return header;
}

bool SendCheckpointInChunks(const v1::CheckpointHeader& header, std::string_view content,
                            const std::function<bool(v1::CheckpointChunk)>& send) {
  v1::CheckpointChunk first;
  *first.mutable_header() = header;
  if (!send(std::move(first))) return false;
  for (size_t sent = 0; sent < content.size(); sent += kCheckpointChunkBytes) {
    v1::CheckpointChunk chunk;
    chunk.set_content(std::string(content.substr(sent, kCheckpointChunkBytes)));
    if (!send(std::move(chunk))) return false;
  }
  return true;
}

absl::StatusOr<bool> CheckpointAssembler::Add(const v1::CheckpointChunk& chunk) {
  // Taken out first, so that whatever returns early leaves the assembler empty.
  const bool has_header = std::exchange(has_header_, false);
  v1::CheckpointHeader header = std::exchange(header_, {});
  std::string content = std::exchange(content_, {});

  if (chunk.has_header() == has_header) {
    return absl::InvalidArgumentError(has_header ? "checkpoint chunk: found a second header, expected content"
                                                 : "checkpoint chunk: found no header, expected one first");
  }
  if (chunk.has_header()) {
    if (absl::Status status = ValidateHeader(chunk.header()); !status.ok()) return status;
    header = chunk.header();
  } else {
    const std::string& bytes = chunk.content();
    absl::Status status =
        CheckChunk(static_cast<int64_t>(content.size()), static_cast<int64_t>(bytes.size()), header.size());
    if (!status.ok()) return status;
    content.append(bytes);  // grows with what came, never with what is only announced
  }
  const bool complete = static_cast<int64_t>(content.size()) == header.size();
  if (complete) {
    if (absl::Status status = CheckChecksum(header, content); !status.ok()) return status;
  }
  has_header_ = true;
  header_ = std::move(header);
  content_ = std::move(content);
  return complete;
}

std::string CheckpointAssembler::TakeContent() {
  has_header_ = false;
  header_.Clear();
  return std::exchange(content_, {});
}

}  // namespace understudy
