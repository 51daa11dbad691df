#include "coordinator/storage/sql_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "coordinator/storage/sqlite_connection.h"
#include "tests/coordinator/storage/temporary_directory.h"

namespace understudy {
namespace {

using testing::TemporaryDirectory;

std::unique_ptr<SqliteConnection> MakeNumbers(const std::string& path) {
  auto connection = SqliteConnection::Open(path, SqliteConnection::Mode::kCreate).value();
  EXPECT_TRUE(connection->Execute("CREATE TABLE numbers (n INTEGER PRIMARY KEY); PRAGMA journal_mode = WAL").ok());
  return connection;
}

absl::Status Insert(SqlConnection& database, int n) {
  return database.Prepare("INSERT INTO numbers (n) VALUES (?)").Bind(n).Run();
}

int64_t Count(const std::string& path) {
  const auto connection = SqliteConnection::Open(path, SqliteConnection::Mode::kRead).value();
  SqlStatement count = connection->Prepare("SELECT count(*) FROM numbers");
  EXPECT_TRUE(count.Step().value());
  return count.Int64(0);
}

// Runs `changes` on threads of their own, all of which wait while another change is being written.
std::vector<absl::Status> RunTogether(GroupCommit& group, const std::vector<GroupCommit::Body>& changes) {
  std::vector<absl::Status> statuses(changes.size());
  std::vector<std::thread> threads;
  EXPECT_TRUE(group
                  .Run("hold it up",
                       [&](SqlConnection&) {
                         for (size_t i = threads.size(); i < changes.size(); ++i) {
                           threads.emplace_back(
                               [&, i] { statuses[i] = group.Run(absl::StrCat("op ", i), changes[i]); });
                           while (group.waiting() < i + 2) std::this_thread::yield();
                         }
                         return absl::OkStatus();
                       })
                  .ok());
  for (std::thread& thread : threads) thread.join();
  return statuses;
}

TEST(GroupCommit, WritesAtOnceWhatComesAlone) {
  TemporaryDirectory directory;
  GroupCommit group(MakeNumbers(directory.File("db")));
  EXPECT_TRUE(group.Run("insert", [](SqlConnection& database) { return Insert(database, 1); }).ok());
  EXPECT_EQ(Count(directory.File("db")), 1);
}

TEST(GroupCommit, WhatWaitsIsOneTransactionInTheOrderOfTheCalls) {
  TemporaryDirectory directory;
  const std::string path = directory.File("db");
  GroupCommit group(MakeNumbers(path));
  std::vector<int> order;
  std::vector<GroupCommit::Body> changes;
  for (int n = 0; n < 8; ++n) {
    changes.push_back([&, n](SqlConnection& database) {
      order.push_back(n);
      // Nothing of the others is committed yet.
      EXPECT_EQ(Count(path), 0);
      return Insert(database, n);
    });
  }
  for (const absl::Status& status : RunTogether(group, changes)) EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(Count(path), 8);
}

TEST(GroupCommit, OneThatFailsFailsAlone) {
  TemporaryDirectory directory;
  const std::string path = directory.File("db");
  GroupCommit group(MakeNumbers(path));
  const auto insert = [](int n) { return [n](SqlConnection& database) { return Insert(database, n); }; };
  const auto statuses =
      RunTogether(group, {insert(1), insert(1), insert(2), [](SqlConnection&) { return absl::NotFoundError("no"); }});
  EXPECT_TRUE(statuses[0].ok()) << statuses[0];
  EXPECT_TRUE(absl::IsAlreadyExists(statuses[1])) << statuses[1];
  EXPECT_NE(statuses[1].message().find("cannot op 1"), absl::string_view::npos) << statuses[1];
  EXPECT_TRUE(statuses[2].ok()) << statuses[2];
  EXPECT_EQ(statuses[3], absl::NotFoundError("no"));
  EXPECT_EQ(Count(path), 2);
}

TEST(GroupCommit, IsDurableBeforeAnybodyIsToldSo) {
  TemporaryDirectory directory;
  const std::string path = directory.File("db");
  GroupCommit group(MakeNumbers(path));
  constexpr int kThreads = 4;
  constexpr int kChanges = 50;
  std::atomic<int> told = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kChanges; ++i) {
        const int n = thread * kChanges + i;
        EXPECT_TRUE(group.Run("insert", [n](SqlConnection& database) { return Insert(database, n); }).ok());
        const int known = ++told;
        EXPECT_GE(Count(path), known);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Count(path), kThreads * kChanges);
}

}  // namespace
}  // namespace understudy
