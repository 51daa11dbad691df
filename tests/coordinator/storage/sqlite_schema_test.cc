#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "coordinator/storage/schema.h"
#include "coordinator/storage/sqlite_connection.h"
#include "coordinator/storage/sqlite_store.h"
#include "tests/coordinator/storage/stored_content.h"
#include "tests/coordinator/storage/temporary_directory.h"
#include "tests/testing/listing.h"

namespace understudy::testing {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<SqliteConnection> Open(const TemporaryDirectory& directory) {
  return SqliteConnection::Open(directory.File("db"), SqliteConnection::Mode::kCreate).value();
}

TEST(SqliteSchema, ANewDatabaseHasTheLatest) {
  const TemporaryDirectory directory;
  const auto database = Open(directory);
  ASSERT_TRUE(CreateSchema(*database, SqliteMigrations()).ok());
  EXPECT_EQ(ReadSchemaVersion(*database).value(), LatestSchemaVersion(SqliteMigrations()));
  EXPECT_TRUE(CheckSchema(*database, SqliteMigrations()).ok());
  EXPECT_TRUE(UpgradeSchema(*database, SqliteMigrations()).ok());
}

TEST(SqliteSchema, CreatingItTwiceFailsAndChangesNothing) {
  const TemporaryDirectory directory;
  const auto database = Open(directory);
  ASSERT_TRUE(CreateSchema(*database, SqliteMigrations()).ok());
  EXPECT_FALSE(CreateSchema(*database, SqliteMigrations()).ok());
  EXPECT_EQ(ReadSchemaVersion(*database).value(), LatestSchemaVersion(SqliteMigrations()));
}

TEST(SqliteSchema, ANewerOneIsRefusedWithBothNumbers) {
  const TemporaryDirectory directory;
  const auto database = Open(directory);
  ASSERT_TRUE(CreateSchema(*database, SqliteMigrations()).ok());
  ASSERT_TRUE(database->Execute("INSERT INTO migrations (number) VALUES (4711)").ok());
  for (const absl::Status& status :
       {UpgradeSchema(*database, SqliteMigrations()), CheckSchema(*database, SqliteMigrations())}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr("schema 4711"));
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(absl::StrCat("schema ", LatestSchemaVersion(SqliteMigrations()), ":")));
  }
}

TEST(SqliteSchema, ADatabaseWithoutOneIsDataLoss) {
  const TemporaryDirectory directory;
  const auto database = Open(directory);
  ASSERT_TRUE(database->Execute("CREATE TABLE somebody_elses (x)").ok());
  EXPECT_EQ(UpgradeSchema(*database, SqliteMigrations()).code(), absl::StatusCode::kDataLoss);
  ASSERT_TRUE(database->Execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY)").ok());
  EXPECT_EQ(CheckSchema(*database, SqliteMigrations()).code(), absl::StatusCode::kDataLoss);
}

v1::Experiment Experiment(const std::string& id, v1::Status status, int64_t finished_unix_ms) {
  v1::Experiment experiment;
  experiment.set_id(id);
  experiment.set_status(status);
  experiment.set_finished_unix_ms(finished_unix_ms);
  return experiment;
}

TEST(SqliteSchema, AStoreOfTheSecondVersionIsUpgradedAsItIs) {
  const TemporaryDirectory directory;
  std::string damaged = "\xff";
  {
    const auto database = Open(directory);
    ASSERT_TRUE(CreateSchema(*database, SqliteMigrations().first(2)).ok());
    SqlStatement put =
        database->Prepare("INSERT INTO experiments (id, token, submitted_unix_ms, content) VALUES (?, ?, ?, ?)");
    for (int i = 0; i < 1200; ++i) {
      const std::string id = absl::StrCat("e", i);
      const bool running = i % 400 == 7;
      const std::string content =
          Experiment(id, running ? v1::STATUS_RUNNING : v1::STATUS_FAILED, running ? 0 : 5000 + i).SerializeAsString();
      ASSERT_TRUE(put.Bind(id, id, 1000 + i, Blob{i == 3 ? damaged : content}).Run().ok());
    }
  }
  const auto store = SqliteStore::Open(directory.File("db"), {}).value();
  EXPECT_EQ(AllExperiments(*store).size(), 1199u);
  EXPECT_EQ(AllExperiments(*store, {.unfinished = true}).size(), 3u);
  EXPECT_EQ(AllExperiments(*store, {.finished_before_unix_ms = 5001}).size(), 2u);
  EXPECT_EQ(AllExperiments(*store).front().id(), "e1199");
  EXPECT_EQ(store->FindExperimentByToken("e5").value(), "e5");
  EXPECT_EQ(store->GetExperiment("e5").value().SerializeAsString(),
            Experiment("e5", v1::STATUS_FAILED, 5005).SerializeAsString());
  // What is damaged does not go on, and can be deleted.
  EXPECT_EQ(store->GetExperiment("e3").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(store->DeleteExperiments({"e3"}).ok());
}

TEST(SqliteSchema, AStoreOfTheSecondVersionGivesSpaceBackOnceItIsUpgraded) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(CreateSchema(*Open(directory), SqliteMigrations().first(2)).ok());
  FillWithExperiments(*SqliteStore::Open(directory.File("db"), {}).value());
  EXPECT_GT(std::filesystem::file_size(directory.File("db")), 10u << 20);
  {
    const auto store = SqliteStore::Open(directory.File("db"), {}).value();
    ASSERT_TRUE(store->DeleteExperiments(kFillingExperiments).ok());
    store->ReleaseSpace();
  }
  EXPECT_LT(std::filesystem::file_size(directory.File("db")), 200u << 10);
}

}  // namespace
}  // namespace understudy::testing
