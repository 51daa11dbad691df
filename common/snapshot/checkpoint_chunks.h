// How a checkpoint travels: its header, then its content, in chunks. What is in it only learners know; here it is
// bytes.
#ifndef UNDERSTUDY_COMMON_SNAPSHOT_CHECKPOINT_CHUNKS_H_
#define UNDERSTUDY_COMMON_SNAPSHOT_CHECKPOINT_CHUNKS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "understudy/v1/checkpoints.pb.h"

namespace understudy {

inline constexpr int64_t kCheckpointChunkBytes = int64_t{1} << 20;

// The header of a checkpoint with this content: fills in size and checksum.
v1::CheckpointHeader MakeCheckpointHeader(const v1::StageKey& stage, int64_t iteration, std::string_view content);

// Calls `send` with the header, then the content, in order. Stops and returns false as soon as `send` does.
bool SendCheckpointInChunks(const v1::CheckpointHeader& header, std::string_view content,
                            const std::function<bool(v1::CheckpointChunk)>& send);

// Puts one checkpoint together from chunks. Thread-compatible.
class CheckpointAssembler {
 public:
  // Takes the next chunk; true: that was the last one, the checkpoint is complete. INVALID_ARGUMENT: header twice or
  // missing, a header without a stage or whose numbers are out of bounds, an empty chunk, one above
  // kCheckpointChunkBytes, or bytes beyond the header's size; DATA_LOSS: the checksum does not match, with both
  // printed. After an error the assembler is empty again.
  absl::StatusOr<bool> Add(const v1::CheckpointChunk& chunk);

  // What has come so far: from the first chunk on the header, and as many bytes of content.
  const v1::CheckpointHeader& header() const { return header_; }
  int64_t received_bytes() const { return static_cast<int64_t>(content_.size()); }

  // Of a complete checkpoint; the assembler is empty again afterwards.
  std::string TakeContent();

 private:
  bool has_header_ = false;
  v1::CheckpointHeader header_;
  std::string content_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SNAPSHOT_CHECKPOINT_CHUNKS_H_
