#include "common/snapshot/policy_snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;
using testing::TestSnapshot;

std::string Floats(const std::vector<float>& numbers) {
  return std::string(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float));
}

// The expected digests come from another program.
TEST(MakeSnapshot, FillsInCountFingerprintAndDigest) {
  const auto snapshot = MakeSnapshot(TestSnapshot("expert", 1)->header, Floats({1, 2, 3}));
  EXPECT_EQ(snapshot->header.parameter_count(), 3);
  EXPECT_EQ(ToHex(snapshot->header.fingerprint()), "46bd3d09289d62cbe4eadda880c365f90d59009882cbdfadb971a77ca0dfe669");
  EXPECT_EQ(ToHex(snapshot->header.digest()), "83f7ef17c637d0c850c8c95c1fefce38d23cc5b8f92d03d3d70a1ff986e2b046");
  EXPECT_EQ(snapshot->Digest(), snapshot->header.digest());
  EXPECT_EQ(snapshot->parameters, Floats({1, 2, 3}));
}

std::string LargeParameters(char content) { return std::string(2 * kPolicyChunkBytes + 4, content); }

TEST(PolicySnapshot, FindsTheDigestOfALargeOneWhenItIsAskedFor) {
  const auto snapshot = MakeSnapshot(TestSnapshot("expert", 1)->header, LargeParameters('p'));
  EXPECT_TRUE(snapshot->header.digest().empty());
  const std::string expected = PolicyDigest(snapshot->header.fingerprint(), LargeParameters('p'));
  EXPECT_EQ(snapshot->Digest(), expected);
  EXPECT_EQ(snapshot->Digest(), expected);
}

TEST(PolicySnapshot, FindsTheDigestOnceWhoeverSendsItHowFar) {
  const auto snapshot = MakeSnapshot(TestSnapshot("expert", 1)->header, LargeParameters('p'));
  const std::string expected = PolicyDigest(snapshot->header.fingerprint(), LargeParameters('p'));
  MakeChunk(*snapshot, 2);
  std::vector<std::thread> senders;
  std::vector<std::string> found(4);
  for (std::string& digest : found) {
    senders.emplace_back([&snapshot, &digest] {
      for (size_t index = 0; index < CountChunks(*snapshot); ++index) digest = MakeChunk(*snapshot, index).digest();
    });
  }
  for (std::thread& sender : senders) sender.join();
  EXPECT_THAT(found, ::testing::Each(expected));
  EXPECT_EQ(snapshot->Digest(), expected);
}

TEST(PolicySnapshot, ACopyFindsTheDigestOfWhatItHas) {
  const auto snapshot = MakeSnapshot(TestSnapshot("expert", 1)->header, LargeParameters('p'));
  snapshot->Digest();
  PolicySnapshot copy = *snapshot;
  copy.parameters[0] = 'q';
  EXPECT_EQ(copy.Digest(), PolicyDigest(copy.header.fingerprint(), copy.parameters));
  EXPECT_NE(copy.Digest(), snapshot->Digest());
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
  EXPECT_EQ(renamed->header.digest(), snapshot->header.digest());
  EXPECT_EQ(renamed->parameters, snapshot->parameters);
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
  EXPECT_TRUE(chunks[0].digest().empty());
  EXPECT_TRUE(chunks[2].digest().empty());
  EXPECT_EQ(chunks[3].digest(), PolicyDigest(snapshot->header.fingerprint(), parameters));
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
