// What SqliteStore promises beyond every Store, of its file: how it is made, opened, upgraded, full, and read only.
#include "coordinator/storage/sqlite_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "common/metrics/latencies.h"
#include "tests/coordinator/storage/damaged_store.h"
#include "tests/coordinator/storage/stored_content.h"
#include "tests/coordinator/storage/temporary_directory.h"
#include "tests/testing/listing.h"

namespace understudy::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(SqliteStore, CreatingLeavesOneFileAndOpeningTwiceFindsIt) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(SqliteStore::Create(directory.File("store")).ok());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1);
  EXPECT_THAT(AllDatasets(*OpenStore(directory.File("store"))), IsEmpty());
  EXPECT_THAT(AllDatasets(*OpenStore(directory.File("store"))), IsEmpty());
}

TEST(SqliteStore, GivesSpaceOfWhatIsDeletedBackToTheFileSystem) {
  const TemporaryDirectory directory;
  const std::string path = directory.File("store");
  FillWithExperiments(*OpenStore(path));  // the log is part of the file once the store is closed
  EXPECT_GT(std::filesystem::file_size(path), 10u << 20);
  {
    const auto store = OpenStore(path);
    ASSERT_TRUE(store->DeleteExperiments(kFillingExperiments).ok());
    store->ReleaseSpace();
    EXPECT_EQ(store->NextIncarnation().value(), 1) << "it goes on as before";
  }
  EXPECT_LT(std::filesystem::file_size(path), 200u << 10);
}

TEST(SqliteStore, TimesEachTransactionByItsMethodAndCountsWhatItCouldNotServe) {
  const TemporaryDirectory directory;
  Latencies latencies(kStoreDuration, kStoreErrors, "operation");
  const auto store = OpenStore(directory.File("store"), {.max_bytes = 1 << 20});
  store->Measure(latencies);
  EXPECT_TRUE(store->NextIncarnation().ok());
  EXPECT_TRUE(store->NextIncarnation().ok());
  EXPECT_TRUE(absl::IsNotFound(store->GetExperiment("none").status()));
  v1::Experiment large;
  large.set_id("large");
  large.set_error(std::string(2 << 20, 'x'));
  EXPECT_TRUE(absl::IsResourceExhausted(store->PutExperiment(large, "")));
  Scrape scrape;
  latencies.AddTo(scrape);
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, scrape.Take());
  EXPECT_THAT(text.str(), HasSubstr("understudy_store_duration_seconds_count{operation=\"NextIncarnation\"} 2\n"));
  EXPECT_THAT(text.str(), HasSubstr("understudy_store_duration_seconds_count{operation=\"GetExperiment\"} 1\n"));
  EXPECT_THAT(text.str(), Not(HasSubstr("NOT_FOUND"))) << "that there is none is an answer";
  EXPECT_THAT(text.str(), HasSubstr("errors_total{code=\"RESOURCE_EXHAUSTED\",operation=\"PutExperiment\"} 1"));
}

TEST(SqliteStore, AHalfMadeStoreOfACrashIsReplaced) {
  const TemporaryDirectory directory;
  std::ofstream(directory.File("store.new")) << "half of it";
  ASSERT_TRUE(SqliteStore::Create(directory.File("store")).ok());
  EXPECT_EQ(OpenStore(directory.File("store"))->NextIncarnation().value(), 1);
}

TEST(SqliteStore, ATruncatedFileIsDataLoss) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  const uintmax_t size = std::filesystem::file_size(path);
  for (const uintmax_t left : {size / 2, uintmax_t{5000}, uintmax_t{100}, uintmax_t{0}}) {
    std::filesystem::resize_file(path, left);
    for (const bool read_only : {false, true}) {
      const absl::Status status = SqliteStore::Open(path, {.read_only = read_only}).status();
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << left << " bytes: " << status;
      EXPECT_THAT(std::string(status.message()), HasSubstr(path));
    }
    EXPECT_EQ(std::filesystem::file_size(path), left);
  }
}

TEST(SqliteStore, AnEmptyFileIsDataLossAndItsLogStays) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  const std::string killed = directory.File("killed");
  {
    // As a process leaves it that is killed: the log is not in the file yet.
    const auto store = OpenStore(path);
    ASSERT_TRUE(MakeCompleteDataset(*store, "logged", 3, 10).ok());
    std::filesystem::copy_file(path + "-wal", killed + "-wal");
  }
  std::ofstream(killed).close();
  const std::string log = ReadFile(killed + "-wal");
  ASSERT_THAT(log, Not(IsEmpty()));
  for (const bool read_only : {true, false}) {
    const absl::Status status = SqliteStore::Open(killed, {.read_only = read_only}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(killed), HasSubstr("damaged")));
  }
  EXPECT_TRUE(ReadFile(killed + "-wal") == log);
}

TEST(SqliteStore, ANewerSchemaIsRefusedAndLeftAlone) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  Execute(path, "INSERT INTO migrations (number) VALUES (1000)");
  const std::string before = ReadFile(path);
  for (const bool read_only : {false, true}) {
    const absl::Status status = SqliteStore::Open(path, {.read_only = read_only}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr("schema 1000"));
  }
  EXPECT_EQ(ReadFile(path), before);
}

TEST(SqliteStore, AnOlderSchemaIsUpgradedByAWriterAndItsContentStays) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  // What the first schema did not have.
  Execute(path,
          "DROP TABLE checkpoints; DROP TABLE checkpoint_contents; DROP TABLE outcomes; "
          "DROP INDEX experiments_by_submission; DROP INDEX unfinished_experiments; "
          "ALTER TABLE experiments DROP COLUMN finished_unix_ms; DELETE FROM migrations WHERE number > 1");
  const absl::Status status = SqliteStore::Open(path, {.read_only = true}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("schema 1,"), HasSubstr("start a coordinator")));

  const auto store = OpenStore(path);
  for (const char* name : {"before", "demos", "after"}) {
    EXPECT_THAT(store->VerifyDataset(name).value().problems(), IsEmpty());
    EXPECT_EQ(store->GetDataset(name).value().transitions(), 4000);
  }
  EXPECT_TRUE(store->LoadPolicy("expert", 1).ok());
  EXPECT_TRUE(PutCheckpoint(*store, 1, "content").ok());
  EXPECT_TRUE(store->AppendOutcomes("e1", 3, {{.number = 1}}).ok());
  EXPECT_TRUE(SqliteStore::Open(path, {.read_only = true}).ok());
}

TEST(SqliteStore, AFullDiskLosesNothingThatWasAcknowledged) {
  const TemporaryDirectory directory;
  const std::string path = directory.File("store");
  const auto store = OpenStore(path, {.max_bytes = 1 << 20});
  ASSERT_TRUE(store->CreateDataset(NewDataset("demos")).ok());
  std::vector<int64_t> acknowledged;
  absl::Status status;
  while (acknowledged.size() < 10000) {
    const int64_t next = static_cast<int64_t>(acknowledged.size());
    status = Append(*store, "demos", {next}, 500);
    if (!status.ok()) break;
    acknowledged.push_back(next);
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("'demos'"), HasSubstr(path)));
  EXPECT_THAT(acknowledged, Not(IsEmpty()));
  EXPECT_EQ(EpisodeNumbers(ReadAll(*store, "demos").value()), acknowledged);

  ASSERT_TRUE(store->DeleteDataset("demos").ok());
  EXPECT_TRUE(MakeCompleteDataset(*store, "again", 3, 500).ok());
}

TEST(SqliteStore, OpenForReadingItReadsEverythingAndWritesNothing) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  const auto store = OpenStore(path, {.read_only = true});
  EXPECT_THAT(store->VerifyDataset("demos").value().problems(), IsEmpty());
  EXPECT_TRUE(store->LoadPolicy("expert", 1).ok());
  for (const absl::Status& status :
       {store->NextIncarnation().status(), store->PutExperiment({}, ""), store->PutMetrics("e", 0, {}),
        PutCheckpoint(*store, 1, "content"), store->AppendOutcomes("e", 0, {}),
        store->AddPolicy(*TestSnapshot("expert", 1), {}).status(), store->CreateDataset(NewDataset("new")),
        store->CompleteDataset("demos", 40).status(), store->DeleteDataset("demos")}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
  }
}

TEST(SqliteStore, AReaderSeesWhatAWriterHasDoneSince) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  const auto writer = OpenStore(path);
  const auto reader = OpenStore(path, {.read_only = true});
  ASSERT_TRUE(MakeCompleteDataset(*writer, "new", 2, 10).ok());
  EXPECT_THAT(EpisodeNumbers(ReadAll(*reader, "new").value()), ElementsAre(0, 1));
  ASSERT_TRUE(writer->DeleteDataset("demos").ok());
  EXPECT_EQ(reader->GetDataset("demos").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace understudy::testing
