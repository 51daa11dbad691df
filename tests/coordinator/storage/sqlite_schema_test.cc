#include "coordinator/storage/sqlite_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "coordinator/storage/sqlite_connection.h"
#include "tests/coordinator/storage/temporary_directory.h"

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

}  // namespace
}  // namespace understudy::testing
