#include "coordinator/services/checkpoints_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/rpc/channel.h"
#include "common/rpc/server.h"
#include "common/snapshot/checkpoint_chunks.h"
#include "coordinator/storage/data_directory.h"
#include "coordinator/storage/sqlite_connection.h"
#include "tests/coordinator/storage/stored_content.h"
#include "tests/coordinator/storage/temporary_directory.h"

namespace understudy {
namespace {

using testing::CheckpointHeader;
using ::testing::HasSubstr;
using testing::TemporaryDirectory;

constexpr int64_t kCurrentEpoch = 5;

// The service alone, behind a real server, on a store of its own. The current epoch is kCurrentEpoch.
class Serving {
 public:
  explicit Serving(int64_t max_receiving_bytes = CheckpointsService::kMaxReceivingBytes)
      : data_(DataDirectory::Open(directory_.File("data"), DataDirectory::Mode::kCreate).value()),
        service_(
            data_->store(), [this](const v1::StageKey& stage) { return CheckEpoch(stage); }, max_receiving_bytes),
        server_(RpcServer::Start({}, {&service_}).value()),
        stub_(v1::Checkpoints::NewStub(MakeChannel(server_->address()))) {}

  Store& store() { return data_->store(); }
  std::string store_path() const { return directory_.File("data/understudy.sqlite"); }
  v1::Checkpoints::Stub& stub() { return *stub_; }

  // Of the checks from now on, the first so many find the epoch current, later ones do not.
  void TakeStageAwayAfter(int checks) { checks_left_ = checks; }

  // Sends these chunks on one stream.
  absl::Status Save(const std::vector<v1::CheckpointChunk>& chunks) {
    grpc::ClientContext context;
    SetDeadline(context, absl::Seconds(30));
    v1::SaveCheckpointResponse response;
    const auto writer = stub_->Save(&context, &response);
    for (const v1::CheckpointChunk& chunk : chunks) {
      if (!writer->Write(chunk)) break;
    }
    writer->WritesDone();
    return FromGrpc(writer->Finish());
  }

  absl::StatusOr<StoredCheckpoint> Load(const v1::StageKey& stage) {
    grpc::ClientContext context;
    SetDeadline(context, absl::Seconds(30));
    v1::LoadCheckpointRequest request;
    *request.mutable_stage() = stage;
    const auto reader = stub_->Load(&context, request);
    CheckpointAssembler assembler;
    bool complete = false;
    v1::CheckpointChunk chunk;
    while (reader->Read(&chunk)) complete = assembler.Add(chunk).value();
    if (absl::Status status = FromGrpc(reader->Finish()); !status.ok()) return status;
    EXPECT_TRUE(complete);
    const v1::CheckpointHeader header = assembler.header();
    return StoredCheckpoint{.header = header, .content = assembler.TakeContent()};
  }

 private:
  absl::Status CheckEpoch(const v1::StageKey& stage) {
    const bool taken_away = checks_left_ == 0;
    --checks_left_;
    if (stage.epoch() == kCurrentEpoch && !taken_away) return absl::OkStatus();
    return absl::AbortedError("another epoch is current");
  }

  std::atomic<int> checks_left_ = -1;  // negative: the stage stays
  TemporaryDirectory directory_;
  std::unique_ptr<DataDirectory> data_;
  CheckpointsService service_;
  std::unique_ptr<RpcServer> server_;
  std::unique_ptr<v1::Checkpoints::Stub> stub_;
};

std::vector<v1::CheckpointChunk> ChunksOf(const v1::CheckpointHeader& header, const std::string& content) {
  std::vector<v1::CheckpointChunk> chunks;
  SendCheckpointInChunks(header, content, [&](v1::CheckpointChunk chunk) {
    chunks.push_back(std::move(chunk));
    return true;
  });
  return chunks;
}

v1::CheckpointHeader Current(int64_t iteration, const std::string& content) {
  return CheckpointHeader("e1", 0, kCurrentEpoch, iteration, content);
}

v1::CheckpointChunk ContentChunk(const std::string& content) {
  v1::CheckpointChunk chunk;
  chunk.set_content(content);
  return chunk;
}

// That nothing was stored, and why.
void ExpectRefused(Serving& serving, const std::vector<v1::CheckpointChunk>& chunks, absl::StatusCode code,
                   const std::string& message) {
  const absl::Status status = serving.Save(chunks);
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(message));
  EXPECT_EQ(serving.store().GetCheckpoint("e1", 0).status().code(), absl::StatusCode::kNotFound);
}

TEST(CheckpointsService, WhatIsSavedIsStoredAndCanBeLoaded) {
  Serving serving;
  const std::string content(3 * kCheckpointChunkBytes / 2, 'c');
  const v1::CheckpointHeader header = Current(17, content);
  ASSERT_TRUE(serving.Save(ChunksOf(header, content)).ok());
  EXPECT_TRUE(serving.store().GetCheckpoint("e1", 0).value().content == content);
  const StoredCheckpoint loaded = serving.Load(header.stage()).value();
  EXPECT_EQ(loaded.header.SerializeAsString(), header.SerializeAsString());
  EXPECT_TRUE(loaded.content == content);
}

TEST(CheckpointsService, ALearnerLoadsWhatAnEarlierEpochHasSaved) {
  Serving serving;
  ASSERT_TRUE(serving.store().PutCheckpoint(CheckpointHeader("e1", 0, 3, 9, "earlier"), "earlier").ok());
  const StoredCheckpoint loaded = serving.Load(Current(1, "").stage()).value();
  EXPECT_EQ(loaded.content, "earlier");
  EXPECT_EQ(loaded.header.stage().epoch(), 3);
}

TEST(CheckpointsService, SavingAgainIsNoError) {
  Serving serving;
  EXPECT_TRUE(serving.Save(ChunksOf(Current(2, "two"), "two")).ok());
  EXPECT_TRUE(serving.Save(ChunksOf(Current(2, "two"), "two")).ok());
  EXPECT_TRUE(serving.Save(ChunksOf(Current(1, "one"), "one")).ok());
  EXPECT_EQ(serving.store().GetCheckpoint("e1", 0).value().content, "two");
}

TEST(CheckpointsService, WithoutACheckpointThereIsNothingToLoad) {
  Serving serving;
  EXPECT_EQ(serving.Load(Current(1, "").stage()).status().code(), absl::StatusCode::kNotFound);
}

TEST(CheckpointsService, ADamagedCheckpointIsNotSent) {
  Serving serving;
  const v1::CheckpointHeader header = Current(1, "content");
  ASSERT_TRUE(serving.Save(ChunksOf(header, "content")).ok());
  const auto database = SqliteConnection::Open(serving.store_path(), SqliteConnection::Mode::kWrite).value();
  ASSERT_TRUE(database->Execute("UPDATE checkpoint_contents SET content = CAST('kontent' AS BLOB)").ok());
  const absl::Status status = serving.Load(header.stage()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("experiment 'e1', stage 1"));
}

TEST(CheckpointsService, AnotherEpochNeitherSavesNorLoads) {
  Serving serving;
  const v1::CheckpointHeader header = CheckpointHeader("e1", 0, kCurrentEpoch - 1, 1, "content");
  ExpectRefused(serving, ChunksOf(header, "content"), absl::StatusCode::kAborted, "another epoch");
  EXPECT_EQ(serving.Load(header.stage()).status().code(), absl::StatusCode::kAborted);
}

TEST(CheckpointsService, AStageThatIsTakenAwayWhileItsCheckpointArrivesIsNotStored) {
  Serving serving;
  serving.TakeStageAwayAfter(1);
  ExpectRefused(serving, ChunksOf(Current(1, "content"), "content"), absl::StatusCode::kAborted, "another epoch");
}

TEST(CheckpointsService, AnotherEpochIsRefusedBeforeItsContentComes) {
  Serving serving;
  grpc::ClientContext context;
  SetDeadline(context, absl::Seconds(30));
  v1::SaveCheckpointResponse response;
  const auto writer = serving.stub().Save(&context, &response);
  writer->Write(ChunksOf(CheckpointHeader("e1", 0, 1, 1, "content"), "content").front());
  // The stream is left open: only the server can end it.
  EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::ABORTED);
}

TEST(CheckpointsService, RefusesWhatIsNoCheckpoint) {
  Serving serving;
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  const auto chunks = ChunksOf(Current(1, "content"), "content");
  const v1::CheckpointChunk& header = chunks.front();
  ExpectRefused(serving, {}, kInvalid, "ended before the header");
  ExpectRefused(serving, {chunks.back()}, kInvalid, "found no header");
  ExpectRefused(serving, {header, header}, kInvalid, "found a second header");
  ExpectRefused(serving, {header}, kInvalid, "found 0 bytes of content, expected 7");
  ExpectRefused(serving, {header, ContentChunk("con")}, kInvalid, "found 3 bytes of content, expected 7");
  ExpectRefused(serving, {header, ContentChunk("")}, kInvalid, "found 0 bytes");
  ExpectRefused(serving, {header, ContentChunk("contents")}, kInvalid, "found 8 bytes of content, expected 7");
  ExpectRefused(serving, {header, ContentChunk("content"), ContentChunk("s")}, kInvalid, "after the last one");
  ExpectRefused(serving, {header, ContentChunk("kontent")}, absl::StatusCode::kDataLoss, "found checksum");
  EXPECT_TRUE(serving.Save(chunks).ok());
}

TEST(CheckpointsService, ReceivesOnlySoMuchAtOnce) {
  Serving serving(10);
  const std::string large = "eleven byte";
  ExpectRefused(serving, ChunksOf(Current(1, large), large), absl::StatusCode::kUnavailable,
                "such streams hold 11 bytes at once, expected at most 10: try again later");
  // What was refused does not count any more.
  EXPECT_TRUE(serving.Save(ChunksOf(Current(1, "ten bytes!"), "ten bytes!")).ok());
}

}  // namespace
}  // namespace understudy
