#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/environment/spaces.h"
#include "common/snapshot/checksum.h"
#include "common/snapshot/name.h"
#include "common/snapshot/policy_snapshot.h"

namespace understudy {
namespace {

constexpr int64_t kMaxParameters = kMaxParameterBytes / static_cast<int64_t>(sizeof(float));
constexpr int kMaxHiddenLayers = 16;
constexpr int kMaxHiddenSize = 8192;
constexpr size_t kSha256Bytes = 32;

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

}  // namespace understudy
