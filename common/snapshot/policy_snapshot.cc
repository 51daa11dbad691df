#include "common/snapshot/policy_snapshot.h"

#include <charconv>
#include <system_error>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/environment/spaces.h"
#include "common/snapshot/name.h"
#include "common/snapshot/spare_memory.h"

namespace understudy {
namespace {

constexpr size_t kCopyAndCheckBytes = size_t{64} << 10;

// Of snapshots that were made here. Never destroyed: a snapshot may be the last thing to go.
SpareMemory& Spare() {
  static SpareMemory& spare = *new SpareMemory;
  return spare;
}

}  // namespace

std::string ArchitectureText(const v1::PolicyHeader& header) {
  const v1::NetworkSpec& network = header.network();
  return absl::StrCat("network ", network.type(), " [", absl::StrJoin(network.hidden_sizes(), ", "), "] ",
                      network.activation(), " ", network.trunk(), "; observations ",
                      SpaceText(header.observation_space()), "; actions ", SpaceText(header.action_space()));
}

std::string ArchitectureFingerprint(const v1::PolicyHeader& header) { return Sha256(ArchitectureText(header)); }

std::string PolicyDigest(std::string_view fingerprint, std::string_view parameters) {
  Sha256Hash hash;
  hash.Add(fingerprint);
  hash.Add(parameters);
  return hash.Finish();
}

std::string PolicySnapshot::Digest() const {
  return header.digest().empty() ? PolicyDigest(header.fingerprint(), parameters) : header.digest();
}

std::shared_ptr<const PolicySnapshot> MakeSnapshot(v1::PolicyHeader header, std::string_view parameters) {
  header.set_parameter_count(static_cast<int64_t>(parameters.size() / sizeof(float)));
  header.set_fingerprint(ArchitectureFingerprint(header));
  header.clear_digest();
  const std::shared_ptr<PolicySnapshot> snapshot(
      new PolicySnapshot{.header = std::move(header), .parameters = Spare().Take(parameters.size())},
      [](PolicySnapshot* unused) {
        Spare().Give(std::move(unused->parameters));
        delete unused;
      });
  // Piece by piece, so that what is added is still in the cache.
  RunningChecksum checksum;
  snapshot->parameters.clear();
  snapshot->parameters.reserve(parameters.size());
  for (size_t at = 0; at < parameters.size(); at += kCopyAndCheckBytes) {
    snapshot->parameters.append(parameters.substr(at, kCopyAndCheckBytes));
    checksum.Add(parameters.substr(at, kCopyAndCheckBytes));
  }
  snapshot->checksum = checksum.Value();
  return snapshot;
}

std::shared_ptr<const PolicySnapshot> WithVersion(const PolicySnapshot& snapshot, std::string name, int64_t version) {
  PolicySnapshot copy = snapshot;
  copy.header.set_name(std::move(name));
  copy.header.set_version(version);
  return std::make_shared<const PolicySnapshot>(std::move(copy));
}

size_t CountChunks(const PolicySnapshot& snapshot) {
  return 1 + (snapshot.parameters.size() + kPolicyChunkBytes - 1) / kPolicyChunkBytes;
}

v1::PolicyChunk MakeChunk(const PolicySnapshot& snapshot, size_t index) {
  v1::PolicyChunk chunk;
  if (index == 0) {
    *chunk.mutable_header() = snapshot.header;
    chunk.mutable_header()->clear_digest();
    chunk.set_checksum(snapshot.checksum);
  } else {
    chunk.set_parameters(std::string(ChunkParameters(snapshot, index)));
  }
  return chunk;
}

std::string_view ChunkParameters(const PolicySnapshot& snapshot, size_t index) {
  return std::string_view(snapshot.parameters).substr((index - 1) * kPolicyChunkBytes, kPolicyChunkBytes);
}

bool SendInChunks(const PolicySnapshot& snapshot, const std::function<bool(v1::PolicyChunk)>& send) {
  for (size_t index = 0; index < CountChunks(snapshot); ++index) {
    if (!send(MakeChunk(snapshot, index))) return false;
  }
  return true;
}

absl::StatusOr<PolicyReference> ParsePolicyReference(std::string_view text) {
  const size_t at = text.find('@');
  PolicyReference reference{.name = std::string(text.substr(0, at))};
  bool valid = IsValidName(reference.name);
  if (at != std::string_view::npos) {
    const std::string_view version = text.substr(at + 1);
    const auto [end, error] = std::from_chars(version.begin(), version.end(), reference.version);
    valid = valid && error == std::errc() && end == version.end() && reference.version > 0;
  }
  if (valid) return reference;
  constexpr size_t kMostRepeated = 160;
  const std::string found = absl::CHexEscape(std::string(text.substr(0, kMostRepeated)));
  return absl::InvalidArgumentError(
      absl::StrCat("policy reference: found \"", found, text.size() > kMostRepeated ? "…" : "",
                   "\", expected NAME or NAME@VERSION, a name being ", kNamePattern, " and versions counting from 1"));
}

}  // namespace understudy
