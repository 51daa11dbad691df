// A policy snapshot: the immutable parameters of a policy with what identifies them. This file makes snapshots, checks
// them, cuts them into chunks for the wire, and puts them together again. It also checks names, and parses references
// to policies. The parameters are bytes here, because the coordinator and the command line handle policies without
// knowing what is in them.
#ifndef UNDERSTUDY_COMMON_SNAPSHOT_POLICY_SNAPSHOT_H_
#define UNDERSTUDY_COMMON_SNAPSHOT_POLICY_SNAPSHOT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "common/process/mutex.h"
#include "common/snapshot/checksum.h"
#include "understudy/v1/policy.pb.h"

namespace understudy {

// A snapshot never changes once it is made. It is shared as std::shared_ptr<const PolicySnapshot> and replaced as a
// whole.
struct PolicySnapshot {
  v1::PolicyHeader header;  // has a digest if the policy is stored
  std::string parameters;   // float32, little-endian
  uint64_t checksum = 0;    // of the parameters (checksum.h)

  // Returns the SHA-256 (32 bytes) over fingerprint and parameters: the header's digest, or, if the header has none,
  // one that is computed now.
  std::string Digest() const;
};

// The largest serialised checkpoint. The coordinator's store keeps it in one row, which SQLite limits to 1e9 bytes.
inline constexpr int64_t kMaxCheckpointBytes = int64_t{900} << 20;
// The largest policy that any process accepts. A checkpoint must have room for the parameters, for two moments of each,
// for the best parameters so far, and for the states of the slots.
inline constexpr int64_t kMaxParameterBytes = int64_t{192} << 20;
inline constexpr int64_t kPolicyChunkBytes = int64_t{1} << 20;

// Returns the SHA-256 (32 bytes) over the canonical text of network and spaces.
std::string ArchitectureFingerprint(const v1::PolicyHeader& header);

// Returns that canonical text of network and spaces, for messages.
std::string ArchitectureText(const v1::PolicyHeader& header);

// Returns the SHA-256 (32 bytes) over fingerprint and parameters.
std::string PolicyDigest(std::string_view fingerprint, std::string_view parameters);

// Makes a snapshot with a copy of the parameters. It fills in the checksum, and the header's parameter_count and
// fingerprint. The header gets no digest.
std::shared_ptr<const PolicySnapshot> MakeSnapshot(v1::PolicyHeader header, std::string_view parameters);

// Makes a snapshot with the same content under another name and version.
std::shared_ptr<const PolicySnapshot> WithVersion(const PolicySnapshot& snapshot, std::string name, int64_t version);

// Returns the number of chunks in which the snapshot travels: one with the header, then the parameters in order.
size_t CountChunks(const PolicySnapshot& snapshot);
// Makes the chunk with this index, 0 ≤ index < CountChunks. The header is sent without its digest.
v1::PolicyChunk MakeChunk(const PolicySnapshot& snapshot, size_t index);
// Returns the part of the snapshot's parameters that is in chunk `index` > 0.
std::string_view ChunkParameters(const PolicySnapshot& snapshot, size_t index);

// Calls `send` with all chunks in order. Stops and returns false as soon as `send` returns false.
bool SendInChunks(const PolicySnapshot& snapshot, const std::function<bool(v1::PolicyChunk)>& send);

// Keeps the memory of one large policy that is gone, so that the next policy can use it. This pays because taking a new
// page from the kernel costs four times as much as filling it. Thread-safe.
class SpareMemory {
 public:
  // Takes the kept memory. Returns a string of this size with arbitrary content, or an empty string if the kept memory
  // has another size. Nothing is kept afterwards.
  std::string Take(size_t size);
  // Keeps this memory instead of the memory kept before. Memory below 1 MiB is freed at once, because keeping it does
  // not pay.
  void Give(std::string memory);

 private:
  Mutex mutex_;
  std::string memory_ ABSL_GUARDED_BY(mutex_);
};

// Puts a snapshot together from chunks. Thread-compatible.
class SnapshotAssembler {
 public:
  // The parameters are put into memory from `spare`, if it has some of their size.
  explicit SnapshotAssembler(std::shared_ptr<SpareMemory> spare = nullptr) : spare_(std::move(spare)) {}

  // Takes the next chunk. Returns the snapshot with the last chunk, and nullptr before. The caller is the snapshot's
  // only owner. After an error or a snapshot the assembler is empty again.
  // INVALID_ARGUMENT: the header is missing or comes twice, has a digest, or has names, network, spaces or counts out
  // of bounds; a chunk is empty, larger than kPolicyChunkBytes, or has a checksum without being the header's; or there
  // are more bytes than parameter_count says.
  // DATA_LOSS: the fingerprint or the checksum does not match. The message has both values.
  absl::StatusOr<std::shared_ptr<PolicySnapshot>> Add(const v1::PolicyChunk& chunk);

  // Says whether no snapshot has been begun.
  bool empty() const { return !header_.has_value(); }

 private:
  std::shared_ptr<SpareMemory> spare_;
  std::optional<v1::PolicyHeader> header_;
  uint64_t expected_checksum_ = 0;
  std::string parameters_;
  RunningChecksum checksum_;  // of the parameters so far
};

// The rule that IsValidName checks, as messages show it.
inline constexpr char kNamePattern[] = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}";

// Says whether the text is a valid name of a policy, a dataset, an experiment or an environment. A valid name is safe
// in a file name, a URL, a log line and in NAME@VERSION.
bool IsValidName(std::string_view text);

// A policy as experiments refer to it: NAME or NAME@VERSION.
struct PolicyReference {
  std::string name;
  int64_t version = 0;  // 0: the latest
};

// Parses a policy reference.
// INVALID_ARGUMENT: the text is none. The message has the text (or its beginning, if it is long) and what was expected.
absl::StatusOr<PolicyReference> ParsePolicyReference(std::string_view text);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SNAPSHOT_POLICY_SNAPSHOT_H_
