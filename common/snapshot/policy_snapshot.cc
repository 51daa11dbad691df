#include "common/snapshot/policy_snapshot.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/environment/spaces.h"

namespace understudy {
namespace {

constexpr size_t kCopyAndCheckBytes = size_t{64} << 10;
constexpr size_t kSmallestSpareMemory = size_t{1} << 20;
constexpr int64_t kMaxParameters = kMaxParameterBytes / static_cast<int64_t>(sizeof(float));
constexpr int kMaxHiddenLayers = 16;
constexpr int kMaxHiddenSize = 8192;
constexpr size_t kSha256Bytes = 32;

// Of snapshots that were made here. Never destroyed: a snapshot may be the last thing to go.
SpareMemory& Spare() {
  static SpareMemory& spare = *new SpareMemory;
  return spare;
}

absl::Status CheckName(const char* field, const std::string& value) {
  if (IsValidName(value)) return absl::OkStatus();
  // The value itself may be anything, so it is not repeated.
  return absl::InvalidArgumentError(absl::StrCat("policy header: found ", field, " of ", value.size(),
                                                 " bytes that is not a name, expected ", kNamePattern));
}

absl::Status CheckRange(const char* field, int64_t value, int64_t minimum, int64_t maximum) {
  if (value >= minimum && value <= maximum) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("policy header: found ", field, " ", value, ", expected ", minimum, " to ", maximum));
}

absl::Status ValidateNetwork(const v1::NetworkSpec& network) {
  absl::Status status = CheckName("network.type", network.type());
  status.Update(CheckName("network.activation", network.activation()));
  status.Update(CheckName("network.trunk", network.trunk()));
  status.Update(CheckRange("number of network.hidden_sizes", network.hidden_sizes_size(), 0, kMaxHiddenLayers));
  if (!status.ok()) return status;  // before there is a loop over millions
  for (const int64_t size : network.hidden_sizes()) {
    status.Update(CheckRange("network.hidden_sizes", size, 1, kMaxHiddenSize));
  }
  return status;
}

absl::Status ValidateIdentity(const v1::PolicyHeader& header) {
  absl::Status status = CheckName("name", header.name());
  status.Update(CheckRange("version", header.version(), 0, std::numeric_limits<int64_t>::max()));
  status.Update(CheckName("environment", header.environment()));
  status.Update(CheckRange("parameter_count", header.parameter_count(), 1, kMaxParameters));
  status.Update(
      CheckRange("fingerprint length", static_cast<int64_t>(header.fingerprint().size()), kSha256Bytes, kSha256Bytes));
  status.Update(CheckRange("digest length", static_cast<int64_t>(header.digest().size()), 0, 0));
  return status;
}

absl::Status DataLoss(const char* what, const std::string& found, const std::string& expected) {
  return absl::DataLossError(
      absl::StrCat("policy: found ", what, " ", found, ", expected ", expected, " as was sent with it"));
}

absl::Status ValidateHeader(const v1::PolicyHeader& header) {
  absl::Status status = ValidateIdentity(header);
  status.Update(ValidateNetwork(header.network()));
  status.Update(ValidateSpace(header.observation_space()));
  status.Update(ValidateSpace(header.action_space()));
  if (!status.ok()) return status;
  const std::string fingerprint = ArchitectureFingerprint(header);
  if (header.fingerprint() == fingerprint) return absl::OkStatus();
  return DataLoss("fingerprint", ToHex(fingerprint), ToHex(header.fingerprint()));
}

absl::Status CheckChunk(int64_t received, const v1::PolicyChunk& part, int64_t expected) {
  const auto chunk = static_cast<int64_t>(part.parameters().size());
  if (chunk < 1 || chunk > kPolicyChunkBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("policy chunk: found ", chunk, " bytes, expected 1 to ", kPolicyChunkBytes));
  }
  if (chunk > expected - received) {
    return absl::InvalidArgumentError(
        absl::StrCat("policy chunk: found ", received + chunk, " parameter bytes, expected ", expected, " in all"));
  }
  if (part.checksum() != 0) {
    return absl::InvalidArgumentError("policy chunk: found a checksum with parameters, expected it with the header");
  }
  return absl::OkStatus();
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

std::string SpareMemory::Take(size_t size) {
  MutexLock lock(mutex_);
  std::string taken = std::exchange(memory_, {});
  return taken.size() == size ? std::move(taken) : std::string();
}

void SpareMemory::Give(std::string memory) {
  if (memory.size() < kSmallestSpareMemory) return;
  MutexLock lock(mutex_);
  memory_.swap(memory);  // what was kept is freed after the lock
}

absl::StatusOr<std::shared_ptr<PolicySnapshot>> SnapshotAssembler::Add(const v1::PolicyChunk& chunk) {
  // Taken out first, so that whatever returns early leaves the assembler empty.
  std::optional<v1::PolicyHeader> header = std::exchange(header_, std::nullopt);
  std::string parameters = std::exchange(parameters_, {});

  if (chunk.has_header() == header.has_value()) {
    return absl::InvalidArgumentError(header ? "policy chunk: found a second header, expected parameters"
                                             : "policy chunk: found no header, expected one first");
  }
  if (chunk.has_header()) {
    if (absl::Status status = ValidateHeader(chunk.header()); !status.ok()) return status;
    header_ = chunk.header();
    expected_checksum_ = chunk.checksum();
    checksum_.Reset();
    return nullptr;
  }

  const int64_t expected = header->parameter_count() * static_cast<int64_t>(sizeof(float));
  const std::string& bytes = chunk.parameters();
  absl::Status status = CheckChunk(static_cast<int64_t>(parameters.size()), chunk, expected);
  if (!status.ok()) return status;
  if (parameters.empty() && spare_ != nullptr) {
    parameters = spare_->Take(static_cast<size_t>(expected));
    parameters.clear();
  }
  // Without spare memory this takes addresses; memory is taken as it is written to, with what came, not with what is
  // only announced.
  parameters.reserve(static_cast<size_t>(expected));
  parameters.append(bytes);
  checksum_.Add(bytes);
  if (static_cast<int64_t>(parameters.size()) < expected) {
    header_ = std::move(header);
    parameters_ = std::move(parameters);
    return nullptr;
  }
  const uint64_t checksum = checksum_.Value();
  if (checksum != expected_checksum_) {
    return DataLoss("checksum", ChecksumText(checksum), ChecksumText(expected_checksum_));
  }
  return std::make_shared<PolicySnapshot>(
      PolicySnapshot{.header = *std::move(header), .parameters = std::move(parameters), .checksum = checksum});
}

bool IsValidName(std::string_view text) {
  constexpr size_t kMaxLength = 64;
  if (text.empty() || text.size() > kMaxLength || !absl::ascii_isalnum(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-'; });
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
