#include "coordinator/storage/sqlite_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "tests/coordinator/storage/temporary_directory.h"

namespace understudy::testing {
namespace {

using Access = SqliteConnection::Access;
using Mode = SqliteConnection::Mode;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::unique_ptr<SqliteConnection> NewDatabase(const std::string& path) {
  std::unique_ptr<SqliteConnection> database = SqliteConnection::Open(path, Mode::kCreate).value();
  EXPECT_TRUE(database->Execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v)").ok());
  return database;
}

absl::Status Insert(SqlConnection& database, int key) {
  return database.Prepare("INSERT INTO t (k) VALUES (?)").Bind(key).Run();
}

int64_t CountRows(SqlConnection& database) {
  SqlStatement count = database.Prepare("SELECT count(*) FROM t");
  EXPECT_TRUE(count.Step().value());
  return count.Int64(0);
}

TEST(SqliteConnection, ValuesComeBackAsTheyWereBound) {
  const TemporaryDirectory directory;
  const auto database = NewDatabase(directory.File("db"));
  SqlStatement echo = database->Prepare("SELECT ?, ?, ?, ?, ? IS NULL, typeof(?)");
  const std::string bytes("\0\xff\n", 3);
  ASSERT_TRUE(echo.Bind(int64_t{1} << 62, 0.1, "text", Blob{bytes}, std::nullopt, Blob{}).Step().value());
  EXPECT_EQ(echo.Int64(0), int64_t{1} << 62);
  EXPECT_EQ(echo.Double(1), 0.1);
  EXPECT_EQ(echo.String(2), "text");
  EXPECT_EQ(echo.Bytes(3), bytes);
  EXPECT_EQ(echo.Int64(4), 1);
  EXPECT_EQ(echo.String(5), "blob");  // an empty blob is not NULL
  EXPECT_FALSE(echo.Step().value());
}

TEST(SqliteConnection, AStatementIsFreshEachTimeItIsPrepared) {
  const TemporaryDirectory directory;
  const auto database = NewDatabase(directory.File("db"));
  for (int i = 0; i < 3; ++i) {
    SqlStatement select = database->Prepare("SELECT ?1 IS NULL");
    ASSERT_TRUE(select.Step().value());
    EXPECT_EQ(select.Int64(0), 1);
    ASSERT_TRUE(select.Bind(i).Step().value());
    EXPECT_EQ(select.Int64(0), 0);
  }
}

TEST(SqliteConnection, AnErrorInPreparingOrBindingComesOutOfStep) {
  const TemporaryDirectory directory;
  const auto database = NewDatabase(directory.File("db"));
  EXPECT_THAT(std::string(database->Prepare("SELECT nonsense").Bind(1).Step().status().message()),
              HasSubstr("nonsense"));
  EXPECT_FALSE(database->Prepare("SELECT 1").Bind(1).Run().ok());  // it has no parameter
}

TEST(SqliteConnection, ATransactionIsKeptWholeOrNotAtAll) {
  const TemporaryDirectory directory;
  const auto database = NewDatabase(directory.File("db"));
  const absl::Status failed = database->Transact(Access::kWrite, "insert", [](SqlConnection& inside) {
    EXPECT_TRUE(Insert(inside, 1).ok());
    return absl::AbortedError("changed my mind");
  });
  EXPECT_EQ(failed, absl::AbortedError("changed my mind"));
  EXPECT_EQ(CountRows(*database), 0);
  EXPECT_TRUE(
      database->Transact(Access::kWrite, "insert", [](SqlConnection& inside) { return Insert(inside, 1); }).ok());
  EXPECT_EQ(CountRows(*database), 1);
}

TEST(SqliteConnection, ErrorsNameTheOperationAndTheFile) {
  const TemporaryDirectory directory;
  const auto database = NewDatabase(directory.File("db"));
  ASSERT_TRUE(Insert(*database, 1).ok());
  const absl::Status status =
      database->Transact(Access::kWrite, "store the thing", [](SqlConnection& inside) { return Insert(inside, 1); });
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(status.message()), StartsWith("cannot store the thing: UNIQUE constraint failed"));
  EXPECT_THAT(std::string(status.message()), HasSubstr(directory.File("db")));
}

TEST(SqliteConnection, AFullDatabaseIsResourceExhausted) {
  const TemporaryDirectory directory;
  const auto database = NewDatabase(directory.File("db"));
  ASSERT_TRUE(database->Execute("PRAGMA max_page_count = 10").ok());
  const std::string blob(100000, 'x');
  EXPECT_EQ(database->Prepare("INSERT INTO t (v) VALUES (?)").Bind(Blob{blob}).Run().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(SqliteConnection, WhatIsNoDatabaseIsDataLoss) {
  const TemporaryDirectory directory;
  std::ofstream(directory.File("db")) << std::string(5000, 'x');
  const auto database = SqliteConnection::Open(directory.File("db"), Mode::kRead).value();
  const absl::Status status = database->Execute("SELECT * FROM sqlite_schema");
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr(directory.File("db") + " is damaged"));
}

TEST(SqliteConnection, WritingWhatIsOpenForReadingIsDenied) {
  const TemporaryDirectory directory;
  NewDatabase(directory.File("db"));
  const auto database = SqliteConnection::Open(directory.File("db"), Mode::kRead).value();
  EXPECT_EQ(Insert(*database, 1).code(), absl::StatusCode::kPermissionDenied);
}

TEST(SqliteConnection, OnlyCreatingMakesAFile) {
  const TemporaryDirectory directory;
  for (const Mode mode : {Mode::kWrite, Mode::kRead}) {
    const absl::Status status = SqliteConnection::Open(directory.File("db"), mode).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
    EXPECT_THAT(std::string(status.message()), HasSubstr("No such file"));
  }
  EXPECT_FALSE(std::filesystem::exists(directory.File("db")));
}

TEST(SqliteConnection, AnImmutableFileMayHaveAnyName) {
  const TemporaryDirectory directory;
  const std::string path = directory.File("50% of #1? {ü}&mode=rwc");
  ASSERT_TRUE(Insert(*NewDatabase(path), 1).ok());
  EXPECT_EQ(CountRows(*SqliteConnection::Open(path, Mode::kImmutable).value()), 1);
}

}  // namespace
}  // namespace understudy::testing
