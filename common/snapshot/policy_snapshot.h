// Policy snapshots as bytes: identity, checks, and travel in chunks. The coordinator and the command line handle
// policies without knowing what is in them.
#ifndef UNDERSTUDY_COMMON_SNAPSHOT_POLICY_SNAPSHOT_H_
#define UNDERSTUDY_COMMON_SNAPSHOT_POLICY_SNAPSHOT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "common/snapshot/checksum.h"
#include "common/snapshot/sha256.h"
#include "common/snapshot/spare_memory.h"
#include "understudy/v1/policy.pb.h"

namespace understudy {

// Immutable once made: shared as std::shared_ptr<const PolicySnapshot>, swapped, never changed.
struct PolicySnapshot {
  v1::PolicyHeader header;  // with a digest where it is a stored policy's
  std::string parameters;   // float32, little-endian
  uint64_t checksum = 0;    // of the parameters: see checksum.h

  // SHA-256 (32 bytes) over fingerprint and parameters: the header's; where that has none, found now.
  std::string Digest() const;
};

// Largest checkpoint, serialised: the coordinator's store keeps it in one row, which SQLite limits to 1e9 bytes.
inline constexpr int64_t kMaxCheckpointBytes = int64_t{900} << 20;
// Largest policy that any process accepts: a checkpoint must have room for the parameters, two moments of each, the
// best parameters so far, and the state of the slots.
inline constexpr int64_t kMaxParameterBytes = int64_t{192} << 20;
inline constexpr int64_t kPolicyChunkBytes = int64_t{1} << 20;

// SHA-256 (32 bytes) over the canonical text of network and spaces.
std::string ArchitectureFingerprint(const v1::PolicyHeader& header);

// Canonical text of network and spaces, for messages: what the fingerprint is made of.
std::string ArchitectureText(const v1::PolicyHeader& header);

// SHA-256 (32 bytes) over fingerprint and parameters.
std::string PolicyDigest(std::string_view fingerprint, std::string_view parameters);

// Copies the parameters; fills in checksum, and parameter_count and fingerprint of the header, which gets no digest.
std::shared_ptr<const PolicySnapshot> MakeSnapshot(v1::PolicyHeader header, std::string_view parameters);

// The same content under another name and version.
std::shared_ptr<const PolicySnapshot> WithVersion(const PolicySnapshot& snapshot, std::string name, int64_t version);

// A snapshot travels in so many chunks: the header, then the parameters, in order. 0 ≤ index < count.
size_t CountChunks(const PolicySnapshot& snapshot);
v1::PolicyChunk MakeChunk(const PolicySnapshot& snapshot, size_t index);
// What chunk `index` > 0 is made of: a part of the snapshot's parameters.
std::string_view ChunkParameters(const PolicySnapshot& snapshot, size_t index);

// Calls `send` with all chunks, in order. Stops and returns false as soon as `send` does.
bool SendInChunks(const PolicySnapshot& snapshot, const std::function<bool(v1::PolicyChunk)>& send);

// Puts a snapshot together from chunks. Thread-compatible.
class SnapshotAssembler {
 public:
  // `spare`: where parameters' memory comes from, if there is some of their size.
  explicit SnapshotAssembler(std::shared_ptr<SpareMemory> spare = nullptr) : spare_(std::move(spare)) {}

  // Takes the next chunk. Returns the snapshot with the last one, nullptr before. INVALID_ARGUMENT: header twice or
  // missing, a header whose names, network, spaces or counts are out of bounds or which has a digest, bytes beyond
  // parameter_count, an empty chunk or one above kPolicyChunkBytes, a checksum anywhere but with the header; DATA_LOSS:
  // fingerprint or checksum does not match, with both printed. After an error, or a snapshot, the assembler is empty
  // again. Nobody else has the snapshot that is returned.
  absl::StatusOr<std::shared_ptr<PolicySnapshot>> Add(const v1::PolicyChunk& chunk);

  // Nothing of a snapshot is pending.
  bool empty() const { return !header_.has_value(); }

 private:
  std::shared_ptr<SpareMemory> spare_;
  std::optional<v1::PolicyHeader> header_;
  uint64_t expected_checksum_ = 0;
  std::string parameters_;
  RunningChecksum checksum_;  // of the parameters so far
};

// A policy as experiments name it: NAME or NAME@VERSION.
struct PolicyReference {
  std::string name;
  int64_t version = 0;  // 0: the latest
};

// INVALID_ARGUMENT names the text, its beginning where it is long, and what was expected.
absl::StatusOr<PolicyReference> ParsePolicyReference(std::string_view text);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SNAPSHOT_POLICY_SNAPSHOT_H_
