#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "common/snapshot/policy_snapshot.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;
using testing::TestSnapshot;

v1::PolicyChunk ParameterChunk(std::string parameters) {
  v1::PolicyChunk chunk;
  chunk.set_parameters(std::move(parameters));
  return chunk;
}

void ExpectRefused(SnapshotAssembler& assembler, const v1::PolicyChunk& chunk, absl::StatusCode code,
                   const std::string& message) {
  const absl::Status status = assembler.Add(chunk).status();
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(message));
  EXPECT_TRUE(assembler.empty());
}

// A header that was valid before `change`, whose fingerprint is right again afterwards.
void ExpectHeaderRefused(const std::function<void(v1::PolicyHeader&)>& change, const std::string& message) {
  v1::PolicyChunk chunk = MakeChunk(*TestSnapshot("expert", 1), 0);
  v1::PolicyHeader& header = *chunk.mutable_header();
  header.set_fingerprint("");
  change(header);
  if (header.fingerprint().empty()) header.set_fingerprint(ArchitectureFingerprint(header));
  SnapshotAssembler assembler;
  ExpectRefused(assembler, chunk, absl::StatusCode::kInvalidArgument, message);
}

TEST(SnapshotAssembler, PutsTogetherWhatWasSentInChunks) {
  v1::PolicyHeader header = TestSnapshot("expert", 3)->header;
  const auto snapshot = MakeSnapshot(header, std::string(2 * kPolicyChunkBytes + 8, 'p'));
  SnapshotAssembler assembler;
  for (int round = 0; round < 2; ++round) {  // the second time shows that it is empty again after the first
    std::shared_ptr<const PolicySnapshot> received;
    EXPECT_TRUE(assembler.empty());
    EXPECT_TRUE(SendInChunks(*snapshot, [&](const v1::PolicyChunk& chunk) {
      EXPECT_EQ(received, nullptr);
      const auto result = assembler.Add(chunk);
      EXPECT_TRUE(result.ok()) << result.status();
      if (result.ok()) received = *result;
      EXPECT_EQ(assembler.empty(), received != nullptr);
      return result.ok();
    }));
    ASSERT_NE(received, nullptr);
    EXPECT_EQ(received->header.SerializeAsString(), snapshot->header.SerializeAsString());
    EXPECT_EQ(received->parameters, snapshot->parameters);
    EXPECT_EQ(received->checksum, snapshot->checksum);
  }
}

TEST(SnapshotAssembler, RefusesChunksOutOfOrder) {
  const auto snapshot = TestSnapshot("expert", 1);
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  SnapshotAssembler assembler;
  ExpectRefused(assembler, ParameterChunk(snapshot->parameters), kInvalid, "found no header");
  ExpectRefused(assembler, v1::PolicyChunk(), kInvalid, "found no header");
  ASSERT_TRUE(assembler.Add(MakeChunk(*snapshot, 0)).ok());
  ExpectRefused(assembler, MakeChunk(*snapshot, 0), kInvalid, "found a second header");
}

TEST(SnapshotAssembler, RefusesChunksOfWrongSize) {
  const auto small = TestSnapshot("expert", 1);
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  SnapshotAssembler assembler;
  ASSERT_TRUE(assembler.Add(MakeChunk(*small, 0)).ok());
  ExpectRefused(assembler, v1::PolicyChunk(), kInvalid, "found 0 bytes");

  ASSERT_TRUE(assembler.Add(MakeChunk(*small, 0)).ok());
  ASSERT_TRUE(assembler.Add(ParameterChunk("1234")).ok());
  ExpectRefused(assembler, ParameterChunk(small->parameters), kInvalid, "found 224 parameter bytes, expected 220");

  const auto large = MakeSnapshot(small->header, std::string(2 * kPolicyChunkBytes, 'p'));
  ASSERT_TRUE(assembler.Add(MakeChunk(*large, 0)).ok());
  ExpectRefused(assembler, ParameterChunk(std::string(kPolicyChunkBytes + 1, 'p')), kInvalid,
                "found 1048577 bytes, expected 1 to 1048576");
}

TEST(SnapshotAssembler, RefusesContentThatIsDamaged) {
  const auto snapshot = TestSnapshot("expert", 1);
  SnapshotAssembler assembler;
  for (size_t at = 0; at < snapshot->parameters.size(); ++at) {
    std::string damaged = snapshot->parameters;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    ASSERT_TRUE(assembler.Add(MakeChunk(*snapshot, 0)).ok());
    ExpectRefused(
        assembler, ParameterChunk(damaged), absl::StatusCode::kDataLoss,
        "found checksum " + ChecksumText(Checksum(damaged)) + ", expected " + ChecksumText(snapshot->checksum));
  }
}

TEST(SnapshotAssembler, RefusesAChecksumThatIsNotWithTheHeaderAndNoneAtAll) {
  const auto snapshot = TestSnapshot("expert", 1);
  SnapshotAssembler assembler;
  ASSERT_TRUE(assembler.Add(MakeChunk(*snapshot, 0)).ok());
  v1::PolicyChunk parameters = ParameterChunk(snapshot->parameters);
  parameters.set_checksum(snapshot->checksum);
  ExpectRefused(assembler, parameters, absl::StatusCode::kInvalidArgument, "found a checksum with parameters");

  v1::PolicyChunk header = MakeChunk(*snapshot, 0);
  header.clear_checksum();
  ASSERT_TRUE(assembler.Add(header).ok());
  ExpectRefused(assembler, ParameterChunk(snapshot->parameters), absl::StatusCode::kDataLoss,
                "expected 0000000000000000");
}

TEST(SnapshotAssembler, RefusesAHeaderWhoseFingerprintIsAnothers) {
  v1::PolicyChunk chunk = MakeChunk(*TestSnapshot("expert", 1), 0);
  const std::string fingerprint = chunk.header().fingerprint();
  chunk.mutable_header()->mutable_network()->set_activation("relu");
  SnapshotAssembler assembler;
  ExpectRefused(
      assembler, chunk, absl::StatusCode::kDataLoss,
      "found fingerprint " + ToHex(ArchitectureFingerprint(chunk.header())) + ", expected " + ToHex(fingerprint));
}

TEST(SnapshotAssembler, RefusesInvalidNames) {
  ExpectHeaderRefused([](auto& header) { header.set_name(""); }, "found name of 0 bytes");
  ExpectHeaderRefused([](auto& header) { header.set_name("../expert"); }, "found name of 9 bytes");
  ExpectHeaderRefused([](auto& header) { header.set_environment("a b"); }, "found environment of 3 bytes");
  ExpectHeaderRefused([](auto& header) { header.mutable_network()->clear_type(); }, "network.type");
  ExpectHeaderRefused([](auto& header) { header.mutable_network()->set_activation("t;x"); }, "network.activation");
  ExpectHeaderRefused([](auto& header) { header.mutable_network()->set_trunk("]"); }, "network.trunk");
}

TEST(SnapshotAssembler, RefusesNumbersOutOfBounds) {
  ExpectHeaderRefused([](auto& header) { header.set_version(-1); }, "found version -1");
  ExpectHeaderRefused([](auto& header) { header.set_parameter_count(0); }, "found parameter_count 0");
  ExpectHeaderRefused([](auto& header) { header.set_parameter_count(kMaxParameterBytes / 4 + 1); },
                      "found parameter_count 50331649, expected 1 to 50331648");
  ExpectHeaderRefused([](auto& header) { header.set_parameter_count(int64_t{1} << 62); }, "parameter_count");
  ExpectHeaderRefused([](auto& header) { header.mutable_network()->set_hidden_sizes(0, 0); }, "hidden_sizes 0");
  ExpectHeaderRefused([](auto& header) { header.mutable_network()->set_hidden_sizes(0, 8193); }, "hidden_sizes 8193");
  ExpectHeaderRefused([](auto& header) { header.mutable_network()->mutable_hidden_sizes()->Resize(17, 4); },
                      "number of network.hidden_sizes 17");
  ExpectHeaderRefused([](auto& header) { header.set_fingerprint("short"); }, "fingerprint length 5, expected 32");
  ExpectHeaderRefused([](auto& header) { header.set_digest(std::string(32, 'd')); }, "digest length 32, expected 0");
}

TEST(SnapshotAssembler, RefusesMillionsOfLayersWithoutLookingAtThem) {
  ExpectHeaderRefused(
      [](v1::PolicyHeader& header) {
        header.set_fingerprint(std::string(32, 'f'));  // a right one would take a while, too
        header.mutable_network()->mutable_hidden_sizes()->Resize(1 << 23, 0);
      },
      "found number of network.hidden_sizes 8388608, expected 0 to 16");
}

TEST(SnapshotAssembler, RefusesInvalidSpaces) {
  ExpectHeaderRefused([](auto& header) { header.clear_observation_space(); }, "space: found no kind");
  ExpectHeaderRefused([](auto& header) { header.mutable_action_space()->mutable_discrete()->set_n(0); }, "found n = 0");
}

}  // namespace
}  // namespace understudy
