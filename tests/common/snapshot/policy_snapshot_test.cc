#include "common/snapshot/policy_snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;
using testing::TestSnapshot;

std::string Floats(const std::vector<float>& numbers) {
  return std::string(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float));
}

// The expected digests, and the checksum, come from other programs.
TEST(MakeSnapshot, FillsInCountFingerprintAndChecksum) {
  const auto snapshot = MakeSnapshot(TestSnapshot("expert", 1)->header, Floats({1, 2, 3}));
  EXPECT_EQ(snapshot->header.parameter_count(), 3);
  EXPECT_EQ(ToHex(snapshot->header.fingerprint()), "46bd3d09289d62cbe4eadda880c365f90d59009882cbdfadb971a77ca0dfe669");
  EXPECT_EQ(ChecksumText(snapshot->checksum), "7977fbb9ac817d62");
  EXPECT_EQ(snapshot->parameters, Floats({1, 2, 3}));
  EXPECT_EQ(ToHex(snapshot->Digest()), "83f7ef17c637d0c850c8c95c1fefce38d23cc5b8f92d03d3d70a1ff986e2b046");
}

TEST(MakeSnapshot, LeavesTheDigestToThoseWhoAskForIt) {
  v1::PolicyHeader header = TestSnapshot("expert", 1)->header;
  header.set_digest("of what it was made from");
  const auto snapshot = MakeSnapshot(header, Floats({1, 2, 3}));
  EXPECT_EQ(snapshot->header.digest(), "");
  EXPECT_EQ(snapshot->Digest(), PolicyDigest(snapshot->header.fingerprint(), Floats({1, 2, 3})));
}

std::string LargeParameters(char content) { return std::string(2 * kPolicyChunkBytes + 4, content); }

TEST(MakeSnapshot, CopiesAndChecksALargeOneAsAWhole) {
  std::string parameters = LargeParameters('p');
  for (size_t i = 0; i < parameters.size(); ++i) parameters[i] = static_cast<char>(i * 31 % 251);
  const auto snapshot = MakeSnapshot(TestSnapshot("expert", 1)->header, parameters);
  EXPECT_EQ(snapshot->parameters, parameters);
  EXPECT_EQ(snapshot->checksum, Checksum(parameters));
}

TEST(MakeSnapshot, UsesTheMemoryOfOneThatIsGoneForTheNextOfItsSize) {
  const v1::PolicyHeader header = TestSnapshot("expert", 1)->header;
  auto snapshot = MakeSnapshot(header, LargeParameters('p'));
  const auto kept = MakeSnapshot(header, LargeParameters('k'));
  const void* const memory = snapshot->parameters.data();
  snapshot.reset();
  snapshot = MakeSnapshot(header, LargeParameters('n'));
  EXPECT_EQ(snapshot->parameters.data(), memory);
  EXPECT_EQ(snapshot->parameters, LargeParameters('n'));
  EXPECT_EQ(kept->parameters, LargeParameters('k'));
  snapshot.reset();
  EXPECT_EQ(MakeSnapshot(header, LargeParameters('x') + "more")->parameters, LargeParameters('x') + "more");
}

TEST(ArchitectureText, NamesNetworkAndSpaces) {
  EXPECT_EQ(
      ArchitectureText(TestSnapshot("expert", 1)->header),
      "network mlp [4] tanh separate; observations Box(4; low -4.80000019 -inf -0.418879032 -inf; high 4.80000019 "
      "inf 0.418879032 inf); actions Discrete(2)");
}

TEST(ArchitectureFingerprint, DependsOnNetworkAndSpacesOnly) {
  const v1::PolicyHeader header = TestSnapshot("expert", 1)->header;
  const std::string fingerprint = ArchitectureFingerprint(header);

  v1::PolicyHeader same = header;
  same.set_name("clone");
  same.set_version(9);
  same.set_environment("CartPole-v0");
  EXPECT_EQ(ArchitectureFingerprint(same), fingerprint);

  std::vector<v1::PolicyHeader> others(6, header);
  others[0].mutable_network()->set_type("transformer");
  others[1].mutable_network()->add_hidden_sizes(4);
  others[2].mutable_network()->set_activation("relu");
  others[3].mutable_network()->set_trunk("shared");
  others[4].mutable_observation_space()->mutable_box()->set_high(1, 7);
  others[5].mutable_action_space()->mutable_discrete()->set_n(3);
  for (const v1::PolicyHeader& other : others) {
    EXPECT_NE(ArchitectureFingerprint(other), fingerprint) << ArchitectureText(other);
  }
}

TEST(WithVersion, KeepsTheContentUnderAnotherName) {
  const auto snapshot = TestSnapshot("expert", 1);
  const auto renamed = WithVersion(*snapshot, "clone", 5);
  EXPECT_EQ(renamed->header.name(), "clone");
  EXPECT_EQ(renamed->header.version(), 5);
  EXPECT_EQ(renamed->Digest(), snapshot->Digest());
  EXPECT_EQ(renamed->parameters, snapshot->parameters);
  EXPECT_EQ(renamed->checksum, snapshot->checksum);
  EXPECT_EQ(snapshot->header.name(), "expert");
}

TEST(SendInChunks, SendsTheHeaderThenParametersInBoundedChunks) {
  const std::string parameters(2 * kPolicyChunkBytes + 4, 'p');
  const auto snapshot = MakeSnapshot(TestSnapshot("expert", 1)->header, parameters);
  std::vector<v1::PolicyChunk> chunks;
  EXPECT_TRUE(SendInChunks(*snapshot, [&](v1::PolicyChunk chunk) {
    chunks.push_back(std::move(chunk));
    return true;
  }));
  ASSERT_EQ(chunks.size(), 4u);
  EXPECT_EQ(chunks[0].header().SerializeAsString(), snapshot->header.SerializeAsString());
  EXPECT_EQ(chunks[0].checksum(), Checksum(parameters));
  EXPECT_EQ(chunks[1].parameters().size(), size_t{kPolicyChunkBytes});
  EXPECT_EQ(chunks[2].parameters().size(), size_t{kPolicyChunkBytes});
  EXPECT_EQ(chunks[3].parameters().size(), 4u);
}

TEST(SendInChunks, StopsAsSoonAsSendingFails) {
  const auto snapshot = MakeSnapshot(TestSnapshot("expert", 1)->header, std::string(2 * kPolicyChunkBytes, 'p'));
  for (int successes = 0; successes < 3; ++successes) {
    int calls = 0;
    EXPECT_FALSE(SendInChunks(*snapshot, [&](const v1::PolicyChunk&) { return calls++ < successes; }));
    EXPECT_EQ(calls, successes + 1);
  }
}

TEST(IsValidName, AcceptsLettersDigitsAndInnerPunctuation) {
  for (const char* name : {"a", "Z", "0", "expert", "CartPole-v1", "my_policy.2", "a-", "a."}) {
    EXPECT_TRUE(IsValidName(name)) << name;
  }
  EXPECT_TRUE(IsValidName(std::string(64, 'x')));
}

TEST(IsValidName, RefusesEverythingElse) {
  for (const char* name : {"", ".", "..", "-a", "_a", ".a", "a b", "a/b", "a@1", "a\n", "ä", "a:b", "a\\b"}) {
    EXPECT_FALSE(IsValidName(name)) << name;
  }
  EXPECT_FALSE(IsValidName(std::string(65, 'x')));
  EXPECT_FALSE(IsValidName(std::string("a\0b", 3)));
}

TEST(ParsePolicyReference, ReadsNameAndVersion) {
  const auto latest = ParsePolicyReference("my-expert.2");
  ASSERT_TRUE(latest.ok());
  EXPECT_EQ(latest->name, "my-expert.2");
  EXPECT_EQ(latest->version, 0);
  const auto exact = ParsePolicyReference("expert@9223372036854775807");
  ASSERT_TRUE(exact.ok());
  EXPECT_EQ(exact->name, "expert");
  EXPECT_EQ(exact->version, 9223372036854775807);
}

TEST(ParsePolicyReference, RefusesEverythingElseAndNamesIt) {
  for (const char* text : {"", "@1", "expert@", "expert@0", "expert@-1", "expert@+1", "expert@ 1", "expert@1 ",
                           "expert@1@2", "expert@latest", "expert@9223372036854775808", "a b", "../expert@1"}) {
    const absl::Status status = ParsePolicyReference(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr("found \"" + std::string(text) + "\", expected NAME"));
  }
}

TEST(ParsePolicyReference, RepeatsOnlyTheBeginningOfALongText) {
  const std::string message(ParsePolicyReference("@" + std::string(100000, 'x')).status().message());
  EXPECT_THAT(message, HasSubstr("found \"@xxx"));
  EXPECT_THAT(message, HasSubstr("x…\", expected NAME"));
  EXPECT_LT(message.size(), 400u);
}

}  // namespace
}  // namespace understudy
