// Cuts checkpoints into chunks for the wire, and puts them together again. A checkpoint travels as its header and then
// its content. Only learners know what the content means; here it is bytes.
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

// Makes the header of a checkpoint with this content, with its size and checksum.
v1::CheckpointHeader MakeCheckpointHeader(const v1::StageKey& stage, int64_t iteration, std::string_view content);

// Calls `send` with the header, then with the content in order. Stops and returns false as soon as `send` returns
// false.
bool SendCheckpointInChunks(const v1::CheckpointHeader& header, std::string_view content,
                            const std::function<bool(v1::CheckpointChunk)>& send);

// Puts one checkpoint together from chunks. Thread-compatible.
class CheckpointAssembler {
 public:
  // Takes the next chunk. Returns true with the last one: the checkpoint is complete. After an error the assembler is
  // empty again.
  // INVALID_ARGUMENT: the header is missing or comes twice, has no stage, or has a number out of bounds; a chunk is
  // empty or larger than kCheckpointChunkBytes; or there are more bytes than the header says.
  // DATA_LOSS: the checksum does not match. The message has both checksums.
  absl::StatusOr<bool> Add(const v1::CheckpointChunk& chunk);

  // Returns the header, which is empty before the first chunk.
  const v1::CheckpointHeader& header() const { return header_; }
  // Returns the number of content bytes so far.
  int64_t received_bytes() const { return static_cast<int64_t>(content_.size()); }

  // Returns the content of a complete checkpoint. The assembler is empty afterwards.
  std::string TakeContent();

 private:
  bool has_header_ = false;
  v1::CheckpointHeader header_;
  std::string content_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SNAPSHOT_CHECKPOINT_CHUNKS_H_
