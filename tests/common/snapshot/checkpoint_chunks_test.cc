#include "common/snapshot/checkpoint_chunks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "common/snapshot/checksum.h"
#include "common/snapshot/policy_snapshot.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::CheckpointHeader Header(std::string_view content) {
  v1::StageKey stage;
  stage.set_experiment_id("cartpole-123456");
  stage.set_stage(2);
  stage.set_epoch(7);
  return MakeCheckpointHeader(stage, 40, content);
}

v1::CheckpointChunk HeaderChunk(const v1::CheckpointHeader& header) {
  v1::CheckpointChunk chunk;
  *chunk.mutable_header() = header;
  return chunk;
}

v1::CheckpointChunk ContentChunk(std::string content) {
  v1::CheckpointChunk chunk;
  chunk.set_content(std::move(content));
  return chunk;
}

void ExpectRefused(CheckpointAssembler& assembler, const v1::CheckpointChunk& chunk, absl::StatusCode code,
                   const std::string& message) {
  const absl::Status status = assembler.Add(chunk).status();
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(message));
  EXPECT_EQ(assembler.received_bytes(), 0);
  EXPECT_EQ(assembler.header().ByteSizeLong(), 0);
}

template <typename Change>
void ExpectHeaderRefused(const Change& change, const std::string& message) {
  v1::CheckpointHeader header = Header("content");
  change(header);
  CheckpointAssembler assembler;
  ExpectRefused(assembler, HeaderChunk(header), absl::StatusCode::kInvalidArgument, message);
}

TEST(CheckpointChunks, AHeaderSaysWhatItsContentIs) {
  const v1::CheckpointHeader header = Header("abc");
  EXPECT_EQ(header.iteration(), 40);
  EXPECT_EQ(header.size(), 3);
  EXPECT_EQ(ChecksumText(header.checksum()), "78af5f94892f3950");  // by another program
}

TEST(CheckpointChunks, AreTheHeaderAndThenPiecesOfAtMostOneMebibyte) {
  const std::string content(2 * kCheckpointChunkBytes + 5, 'c');
  std::vector<size_t> sizes;
  EXPECT_TRUE(SendCheckpointInChunks(Header(content), content, [&](const v1::CheckpointChunk& chunk) {
    EXPECT_EQ(chunk.has_header(), sizes.empty());
    sizes.push_back(chunk.content().size());
    return true;
  }));
  EXPECT_THAT(sizes, ElementsAre(0, 1048576, 1048576, 5));
}

TEST(CheckpointChunks, AreNotSentOnceOneCouldNotBe) {
  const std::string content(2 * kCheckpointChunkBytes, 'c');
  for (const int accepted : {0, 1, 2}) {
    int sent = 0;
    EXPECT_FALSE(SendCheckpointInChunks(Header(content), content,
                                        [&](const v1::CheckpointChunk&) { return sent++ < accepted; }));
    EXPECT_EQ(sent, accepted + 1);
  }
}

TEST(CheckpointAssembler, PutsTogetherWhatWasSentInChunks) {
  CheckpointAssembler assembler;
  // The second one shows that it is empty again after the first.
  for (const int64_t size : {2 * kCheckpointChunkBytes + 8, kCheckpointChunkBytes}) {
    std::string content(static_cast<size_t>(size), 'c');
    content.front() = 'a';
    content.back() = 'z';
    bool complete = false;
    EXPECT_TRUE(SendCheckpointInChunks(Header(content), content, [&](const v1::CheckpointChunk& chunk) {
      EXPECT_FALSE(complete);
      const absl::StatusOr<bool> added = assembler.Add(chunk);
      EXPECT_TRUE(added.ok()) << added.status();
      complete = added.value_or(false);
      return added.ok();
    }));
    ASSERT_TRUE(complete);
    EXPECT_EQ(assembler.header().SerializeAsString(), Header(content).SerializeAsString());
    EXPECT_EQ(assembler.received_bytes(), size);
    EXPECT_TRUE(assembler.TakeContent() == content);
  }
}

TEST(CheckpointAssembler, RefusesChunksOutOfOrder) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  CheckpointAssembler assembler;
  ExpectRefused(assembler, ContentChunk("content"), kInvalid, "found no header");
  ExpectRefused(assembler, v1::CheckpointChunk(), kInvalid, "found no header");
  ASSERT_TRUE(assembler.Add(HeaderChunk(Header("content"))).ok());
  ASSERT_TRUE(assembler.Add(ContentChunk("con")).ok());
  ExpectRefused(assembler, HeaderChunk(Header("content")), kInvalid, "found a second header");
}

TEST(CheckpointAssembler, RefusesChunksOfWrongSize) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  CheckpointAssembler assembler;
  ASSERT_TRUE(assembler.Add(HeaderChunk(Header("content"))).ok());
  ExpectRefused(assembler, v1::CheckpointChunk(), kInvalid, "found 0 bytes, expected 1 to 1048576");

  ASSERT_TRUE(assembler.Add(HeaderChunk(Header("content"))).ok());
  ASSERT_TRUE(assembler.Add(ContentChunk("con")).ok());
  ExpectRefused(assembler, ContentChunk("tents"), kInvalid, "found 8 bytes of content, expected 7");

  ASSERT_TRUE(assembler.Add(HeaderChunk(Header("content"))).ok());
  ASSERT_TRUE(assembler.Add(ContentChunk("content")).value());
  ExpectRefused(assembler, ContentChunk("s"), kInvalid, "found 8 bytes of content, expected 7");

  const std::string large(2 * kCheckpointChunkBytes, 'c');
  ASSERT_TRUE(assembler.Add(HeaderChunk(Header(large))).ok());
  ExpectRefused(assembler, ContentChunk(large.substr(0, kCheckpointChunkBytes + 1)), kInvalid,
                "found 1048577 bytes, expected 1 to 1048576");
}

TEST(CheckpointAssembler, RefusesContentThatDoesNotMatchItsChecksum) {
  CheckpointAssembler assembler;
  ASSERT_TRUE(assembler.Add(HeaderChunk(Header("content"))).ok());
  ASSERT_FALSE(assembler.Add(ContentChunk("con")).value());
  ExpectRefused(
      assembler, ContentChunk("Tent"), absl::StatusCode::kDataLoss,
      "found checksum " + ChecksumText(Checksum("conTent")) + ", expected " + ChecksumText(Checksum("content")));
}

TEST(CheckpointAssembler, RefusesHeadersOutOfBounds) {
  ExpectHeaderRefused([](auto& header) { header.clear_stage(); }, "stage.experiment_id length 0, expected 1 to 256");
  ExpectHeaderRefused([](auto& header) { header.mutable_stage()->set_experiment_id(std::string(257, 'e')); },
                      "stage.experiment_id length 257");
  ExpectHeaderRefused([](auto& header) { header.mutable_stage()->set_stage(-1); }, "stage.stage -1");
  ExpectHeaderRefused([](auto& header) { header.mutable_stage()->set_epoch(0); }, "stage.epoch 0");
  ExpectHeaderRefused([](auto& header) { header.set_iteration(0); }, "found iteration 0, expected 1");
  ExpectHeaderRefused([](auto& header) { header.set_size(0); }, "found size 0, expected 1 to 943718400");
  ExpectHeaderRefused([](auto& header) { header.set_size(943718401); }, "found size 943718401");
  ExpectHeaderRefused([](auto& header) { header.set_size(-1); }, "found size -1");
}

}  // namespace
}  // namespace understudy
