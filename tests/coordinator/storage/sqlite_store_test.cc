// What SqliteStore promises beyond every Store: how it stands damage, a full disk, and being read only.
#include "coordinator/storage/sqlite_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "common/trajectory/dataset_digest.h"
#include "coordinator/storage/sqlite_connection.h"
#include "tests/coordinator/storage/stored_content.h"
#include "tests/coordinator/storage/temporary_directory.h"

namespace understudy::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

std::unique_ptr<SqliteStore> OpenStore(const std::string& path, const SqliteStore::Options& options = {}) {
  if (!std::filesystem::exists(path)) {
    EXPECT_TRUE(SqliteStore::Create(path).ok());
  }
  return SqliteStore::Open(path, options).value();
}

// Inverts one byte of a blob, behind the store's back.
void Flip(const std::string& path, const char* table, const char* column, int64_t row, int offset) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  sqlite3_blob* blob = nullptr;
  ASSERT_EQ(sqlite3_blob_open(database, "main", table, column, row, 1, &blob), SQLITE_OK) << sqlite3_errmsg(database);
  char byte = 0;
  ASSERT_EQ(sqlite3_blob_read(blob, &byte, 1, offset), SQLITE_OK);
  byte = static_cast<char>(~byte);
  ASSERT_EQ(sqlite3_blob_write(blob, &byte, 1, offset), SQLITE_OK);
  sqlite3_blob_close(blob);
  sqlite3_close(database);
}

void Execute(const std::string& path, const char* sql) {
  const absl::Status status = SqliteConnection::Open(path, SqliteConnection::Mode::kWrite).value()->Execute(sql);
  ASSERT_TRUE(status.ok()) << status;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string DigestOf(int64_t episode, int64_t steps) {
  const v1::TrajectoryBatch batch = EpisodeBatch({episode}, steps);
  return EpisodeDigest(ViewTrajectories(batch, CartPoleSpec()).front());
}

// Fills the page of the database file that holds these bytes with others.
void OverwritePageWith(const std::string& path, const std::string& bytes) {
  constexpr size_t kPageBytes = 4096;
  const size_t found = ReadFile(path).find(bytes);
  ASSERT_NE(found, std::string::npos);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(found / kPageBytes * kPageBytes));
  file << std::string(kPageBytes, '\xa5');
}

// Datasets `before`, `demos` and `after` of 40 episodes with 100 steps each, and the policy `expert`.
std::string FilledStore(const TemporaryDirectory& directory) {
  const std::string path = directory.File("store");
  const auto store = OpenStore(path);
  for (const char* name : {"before", "demos", "after"}) {
    EXPECT_TRUE(MakeCompleteDataset(*store, name, 40, 100).ok());
  }
  EXPECT_EQ(store->AddPolicy(*TestSnapshot("expert", 1), {}).value(), 1);
  return path;
}

// Rows are numbered in the order of insertion.
int64_t RowOfDemos(int64_t episode) { return 40 + episode + 1; }

TEST(SqliteStore, CreatingLeavesOneFileAndOpeningTwiceFindsIt) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(SqliteStore::Create(directory.File("store")).ok());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1);
  EXPECT_THAT(OpenStore(directory.File("store"))->ListDatasets().value(), IsEmpty());
  EXPECT_THAT(OpenStore(directory.File("store"))->ListDatasets().value(), IsEmpty());
}

TEST(SqliteStore, AHalfMadeStoreOfACrashIsReplaced) {
  const TemporaryDirectory directory;
  std::ofstream(directory.File("store.new")) << "half of it";
  ASSERT_TRUE(SqliteStore::Create(directory.File("store")).ok());
  EXPECT_EQ(OpenStore(directory.File("store"))->NextIncarnation().value(), 1);
}

TEST(SqliteStore, FindsADamagedEpisodeAndReadsAllOthers) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  Flip(path, "episodes", "content", RowOfDemos(7), 100);
  const auto store = OpenStore(path);

  for (const absl::Status& status :
       {ReadAll(*store, "demos").status(), store->ComputeDatasetDigest("demos").status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()), HasSubstr("dataset 'demos', episode 7: cannot decompress"));
  }
  const v1::VerifyDatasetResponse verified = store->VerifyDataset("demos").value();
  EXPECT_THAT(verified.problems(), ElementsAre(HasSubstr("episode 7")));
  EXPECT_EQ(verified.episodes(), 39);
  EXPECT_EQ(verified.transitions(), 3900);

  EXPECT_THAT(EpisodeNumbers(ReadAll(*store, "demos", 8).value()), SizeIs(32));
  EXPECT_THAT(store->VerifyDataset("before").value().problems(), IsEmpty());
  EXPECT_THAT(EpisodeNumbers(ReadAll(*store, "after").value()), SizeIs(40));
}

TEST(SqliteStore, GoesOnAfterDamageAndNamesEveryEpisode) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  Flip(path, "episodes", "content", RowOfDemos(0), 50);
  Flip(path, "episodes", "digest", RowOfDemos(20), 0);
  Execute(path, "UPDATE episodes SET steps = 99 WHERE number = 39");
  EXPECT_THAT(OpenStore(path)->VerifyDataset("demos").value().problems(),
              ElementsAre(HasSubstr("episode 0: "), AllOf(HasSubstr("episode 20: "), HasSubstr("digest")),
                          AllOf(HasSubstr("episode 39: "), HasSubstr("100 steps"), HasSubstr("99 steps"))));
}

TEST(SqliteStore, NamesAtMostAHundredProblems) {
  const TemporaryDirectory directory;
  const std::string path = directory.File("store");
  ASSERT_TRUE(MakeCompleteDataset(*OpenStore(path), "demos", 150, 1).ok());
  Execute(path, "UPDATE episodes SET return = 5");
  EXPECT_THAT(OpenStore(path)->VerifyDataset("demos").value().problems(), SizeIs(100));
}

TEST(SqliteStore, FindsEpisodesThatAreMissing) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  Execute(path, "DELETE FROM episodes WHERE dataset = 2 AND number IN (0, 10, 11, 12, 38, 39)");
  const auto store = OpenStore(path);
  EXPECT_THAT(store->VerifyDataset("demos").value().problems(),
              ElementsAre(HasSubstr("episode 0 is missing"), HasSubstr("episode 10 to 12 are missing"),
                          HasSubstr("episode 38 to 39 are missing")));
  EXPECT_EQ(ReadAll(*store, "demos").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReadAll(*store, "demos", 20).status().code(), absl::StatusCode::kDataLoss);
}

TEST(SqliteStore, FindsEpisodesThatWereExchangedForOthers) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  {
    const auto store = OpenStore(path);
    ASSERT_TRUE(MakeCompleteDataset(*store, "longer", 40, 101).ok());
  }
  Execute(path,
          "UPDATE episodes SET (steps, return, digest, content) = (SELECT steps, return, digest, content FROM episodes "
          "WHERE dataset = 4 AND number = 5) WHERE dataset = 2 AND number = 5");
  EXPECT_THAT(OpenStore(path)->VerifyDataset("demos").value().problems(),
              ElementsAre(AllOf(HasSubstr("4001 transitions"), HasSubstr("expected 4000"))));
}

TEST(SqliteStore, ADestroyedPageCostsOnlyWhatWasOnIt) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  {
    const auto store = OpenStore(path);
    ASSERT_TRUE(MakeCompleteDataset(*store, "victim", 40, 123).ok());
  }
  OverwritePageWith(path, DigestOf(25, 123));
  const auto store = OpenStore(path);
  const v1::VerifyDatasetResponse verified = store->VerifyDataset("victim").value();
  EXPECT_THAT(verified.problems(), ::testing::Contains(HasSubstr("episode 25: ")));
  EXPECT_GE(verified.episodes(), 30);
  EXPECT_EQ(ReadAll(*store, "victim").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(store->ComputeDatasetDigest("demos").value(), store->GetDataset("demos").value().digest());
}

TEST(SqliteStore, ADamagedPolicyIsFoundOnLoading) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  {
    const auto store = OpenStore(path);
    ASSERT_EQ(store->AddPolicy(*TestSnapshot("expert", 2), {}).value(), 2);
  }
  Flip(path, "policies", "parameters", 1, 17);
  const auto store = OpenStore(path);
  const absl::Status status = store->LoadPolicy("expert", 1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("policy 'expert' version 1"));
  EXPECT_TRUE(store->LoadPolicy("expert", 2).ok());
}

// Large enough for pages of its own.
const std::string& LargeContent() {
  static const std::string content = std::string(100'000, 'a') + std::string(100'000, 'b');
  return content;
}

absl::Status PutCheckpoint(Store& store, int64_t epoch, const std::string& content) {
  return store.PutCheckpoint(CheckpointHeader("e1", 2, epoch, 1, content), content);
}

TEST(SqliteStore, ADamagedCheckpointIsFoundOnLoadingAndReplacedByALaterOne) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  ASSERT_TRUE(PutCheckpoint(*OpenStore(path), 5, LargeContent()).ok());
  Flip(path, "checkpoint_contents", "content", 1, 150'000);
  const auto store = OpenStore(path);
  const absl::Status status = store->GetCheckpoint("e1", 2).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("checkpoint of experiment 'e1', stage 2, epoch 5, iteration 1"), HasSubstr("checksum")));
  ASSERT_TRUE(PutCheckpoint(*store, 6, "later").ok());
  EXPECT_EQ(store->GetCheckpoint("e1", 2).value().content, "later");
}

TEST(SqliteStore, ACheckpointThatIsCutShortIsFoundOnLoading) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  ASSERT_TRUE(PutCheckpoint(*OpenStore(path), 5, "content").ok());
  Execute(path, "UPDATE checkpoint_contents SET content = x'636f6e'");
  const absl::Status status = OpenStore(path)->GetCheckpoint("e1", 2).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("found 3 bytes, expected 7"));
}

TEST(SqliteStore, ACheckpointWithoutContentIsDataLoss) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  ASSERT_TRUE(PutCheckpoint(*OpenStore(path), 5, "content").ok());
  Execute(path, "DELETE FROM checkpoint_contents");
  const auto store = OpenStore(path);
  EXPECT_EQ(store->GetCheckpoint("e1", 2).status().code(), absl::StatusCode::kDataLoss);
  ASSERT_TRUE(PutCheckpoint(*store, 6, "later").ok());
  EXPECT_EQ(store->GetCheckpoint("e1", 2).value().content, "later");
}

TEST(SqliteStore, ReplacingCheckpointsDoesNotGrowTheFile) {
  const TemporaryDirectory directory;
  const std::string path = directory.File("store");
  ASSERT_TRUE(PutCheckpoint(*OpenStore(path), 1, LargeContent()).ok());
  const uintmax_t size = std::filesystem::file_size(path);
  for (int epoch = 2; epoch < 20; ++epoch) ASSERT_TRUE(PutCheckpoint(*OpenStore(path), epoch, LargeContent()).ok());
  EXPECT_LT(std::filesystem::file_size(path), size + LargeContent().size());
}

TEST(SqliteStore, ADestroyedPageOfACheckpointKeepsNeitherALaterOneNorTheExperimentFromBeingStored) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  ASSERT_TRUE(PutCheckpoint(*OpenStore(path), 5, LargeContent()).ok());
  OverwritePageWith(path, std::string(1000, 'a') + std::string(1000, 'b'));
  const auto store = OpenStore(path);
  EXPECT_EQ(store->GetCheckpoint("e1", 2).status().code(), absl::StatusCode::kDataLoss);
  ASSERT_TRUE(PutCheckpoint(*store, 6, "later").ok());
  EXPECT_EQ(store->GetCheckpoint("e1", 2).value().content, "later");

  v1::Experiment experiment;
  experiment.set_id("e1");
  for (int stage = 0; stage < 3; ++stage) experiment.add_stages()->set_status(v1::STATUS_SUCCEEDED);
  EXPECT_TRUE(store->PutExperiment(experiment, "").ok());
  EXPECT_EQ(store->GetExperiment("e1").value().stages_size(), 3);
  EXPECT_THAT(store->VerifyDataset("demos").value().problems(), IsEmpty());
}

TEST(SqliteStore, ListsEpisodesWithoutReadingTheirContent) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  Flip(path, "episodes", "content", RowOfDemos(7), 100);
  EXPECT_THAT(OpenStore(path)->ListEpisodes("demos").value(), SizeIs(40));
}

TEST(SqliteStore, DamagedMessagesAreNamed) {
  const TemporaryDirectory directory;
  const std::string path = FilledStore(directory);
  v1::Experiment experiment;
  experiment.set_id("e1");
  ASSERT_TRUE(OpenStore(path)->PutExperiment(experiment, "").ok());
  experiment.set_id("e2");
  ASSERT_TRUE(OpenStore(path)->PutExperiment(experiment, "").ok());
  Execute(path,
          "UPDATE experiments SET content = x'ff' WHERE id = 'e1'; UPDATE policies SET header = x'ff'; "
          "UPDATE datasets SET recipe = x'ff' WHERE name = 'demos'");
  const auto store = OpenStore(path);
  const std::vector<absl::Status> statuses = {
      store->GetExperiment("e1").status(), store->GetPolicy("expert", 1).status(), store->GetDataset("demos").status()};
  const std::vector<std::string> names = {"'e1'", "'expert' version 1", "'demos'"};
  for (size_t i = 0; i < statuses.size(); ++i) {
    EXPECT_EQ(statuses[i].code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(statuses[i].message()), HasSubstr(names[i]));
  }
  EXPECT_TRUE(store->GetDataset("before").ok());
  // A coordinator starts all the same, with the others.
  const auto listed = store->ListExperiments().value();
  ASSERT_THAT(listed, SizeIs(1));
  EXPECT_EQ(listed[0].id(), "e2");
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
          "DROP TABLE checkpoints; DROP TABLE checkpoint_contents; DROP TABLE outcomes; DELETE FROM migrations WHERE "
          "number > 1");
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
