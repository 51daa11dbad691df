#include "coordinator/storage/postgres_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/testing/postgres_server.h"

namespace understudy::testing {
namespace {

using ::testing::HasSubstr;
using Access = SqlConnection::Access;

PostgresServer& Server() {
  static PostgresServer server;
  return server;
}

// A connection to a database of its own with a table, and what its server knows of it.
class Numbers {
 public:
  explicit Numbers(absl::Duration patience = absl::Seconds(10)) : url_(Server().NewDatabase()) {
    connection_ =
        PostgresConnection::Open({.url = url_, .application = "tested", .patience = patience}, fence_).value();
    EXPECT_TRUE(connection_->Execute("CREATE TABLE numbers (n BIGINT PRIMARY KEY)").ok());
  }

  PostgresConnection& connection() { return *connection_; }
  StoreFence& fence() { return *fence_; }

  static absl::Status Insert(SqlConnection& database, int64_t n) {
    return database.Prepare("INSERT INTO numbers (n) VALUES (?)").Bind(n).Run();
  }
  absl::Status InsertAlone(int64_t n) {
    return connection_->Transact(Access::kWrite, "insert",
                                 [n](SqlConnection& database) { return Insert(database, n); });
  }
  std::string Sql(const std::string& sql) { return Server().Sql(url_, sql); }
  std::string Rows() { return Sql("SELECT string_agg(n::text, ' ' ORDER BY n) FROM numbers"); }
  void EndSession() {
    Sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'tested' AND datname = current_database()");
  }

 private:
  const std::string url_;
  const std::shared_ptr<StoreFence> fence_ = std::make_shared<StoreFence>();
  std::unique_ptr<PostgresConnection> connection_;
};

TEST(PostgresConnection, ValuesComeBackAsTheyWereBound) {
  Numbers numbers;
  PostgresConnection& database = numbers.connection();
  ASSERT_TRUE(database
                  .Execute("CREATE TABLE things (position BIGINT, i BIGINT, small INTEGER, d DOUBLE PRECISION, t TEXT, "
                           "b BYTEA)")
                  .ok());
  const std::string bytes("\0\xff\n'?", 5);
  const int64_t integers[] = {0, -1, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
  const double doubles[] = {-0.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::denorm_min(),
                            std::nan("")};
  for (int i = 0; i < 4; ++i) {
    SqlStatement insert = database.Prepare("INSERT INTO things VALUES (?, ?, ?, ?, ?, ?)");
    ASSERT_TRUE(insert.Bind(i, integers[i], -7, doubles[i], i == 0 ? "" : "é'?", Blob{i == 0 ? "" : bytes}).Run().ok());
    EXPECT_EQ(database.changes(), 1);
  }
  SqlStatement select = database.Prepare("SELECT i, small, d, t, b, position = 1 FROM things ORDER BY position");
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(select.Step().value());
    EXPECT_EQ(select.Int64(0), integers[i]);
    EXPECT_EQ(select.Int64(1), -7);
    EXPECT_EQ(std::isnan(select.Double(2)), std::isnan(doubles[i]));
    EXPECT_TRUE(std::isnan(doubles[i]) || select.Double(2) == doubles[i]);
    EXPECT_EQ(std::signbit(select.Double(2)), std::signbit(doubles[i]));
    EXPECT_EQ(select.String(3), i == 0 ? "" : "é'?");
    EXPECT_EQ(select.String(4), i == 0 ? "" : bytes);
    EXPECT_EQ(select.Int64(5), i == 1);
  }
  EXPECT_FALSE(select.Step().value());
}

TEST(PostgresConnection, NullIsZeroAndEmpty) {
  Numbers numbers;
  SqlStatement select = numbers.connection().Prepare("SELECT ?::bigint, NULL::float8, NULL::text");
  ASSERT_TRUE(select.Bind(std::nullopt).Step().value());
  EXPECT_EQ(select.Int64(0), 0);
  EXPECT_EQ(select.Double(1), 0);
  EXPECT_EQ(select.String(2), "");
}

TEST(PostgresConnection, ATransactionIsKeptWholeOrNotAtAll) {
  Numbers numbers;
  const absl::Status failed =
      numbers.connection().Transact(Access::kWrite, "insert", [](SqlConnection& database) -> absl::Status {
        if (absl::Status status = Numbers::Insert(database, 1); !status.ok()) return status;
        return absl::NotFoundError("no");
      });
  EXPECT_EQ(failed, absl::NotFoundError("no"));
  EXPECT_EQ(numbers.Rows(), "");
  EXPECT_TRUE(numbers.InsertAlone(2).ok());
  EXPECT_EQ(numbers.Rows(), "2");
}

TEST(PostgresConnection, ErrorsNameTheOperationAndTheServer) {
  Numbers numbers;
  ASSERT_TRUE(numbers.InsertAlone(1).ok());
  const absl::Status twice = numbers.InsertAlone(1);
  EXPECT_TRUE(absl::IsAlreadyExists(twice)) << twice;
  EXPECT_THAT(std::string(twice.message()), HasSubstr("cannot insert: duplicate key"));
  EXPECT_THAT(std::string(twice.message()), HasSubstr(", in postgresql://postgres@/test"));
  const absl::Status zero = numbers.connection().Transact(Access::kRead, "look", [](SqlConnection& database) {
    return database.Prepare("SELECT ?").Bind(std::string("a\0b", 3)).Run();
  });
  EXPECT_TRUE(absl::IsInvalidArgument(zero)) << zero;
  const absl::Status reading = numbers.connection().Transact(
      Access::kRead, "look", [](SqlConnection& database) { return database.Prepare("SELECT nothing").Run(); });
  EXPECT_TRUE(absl::IsUnavailable(reading)) << reading;
}

TEST(PostgresConnection, ATransactionWhoseSessionEndsIsRunAgain) {
  Numbers numbers;
  ASSERT_TRUE(numbers.InsertAlone(1).ok());  // whose statement was prepared in the old session
  int runs = 0;
  const absl::Status status = numbers.connection().Transact(Access::kWrite, "insert", [&](SqlConnection& database) {
    absl::Status inserted = Numbers::Insert(database, 2);
    if (++runs == 1) numbers.EndSession();
    if (inserted.ok()) inserted = Numbers::Insert(database, 3);
    return inserted;
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(numbers.Rows(), "1 2 3");
}

TEST(PostgresConnection, ATransactionOutlivesTheServersRestart) {
  Numbers numbers;
  Server().Restart();
  EXPECT_EQ(numbers.InsertAlone(1), absl::OkStatus());
  int runs = 0;
  const absl::Status status = numbers.connection().Transact(Access::kRead, "look", [&](SqlConnection& database) {
    if (++runs == 1) Server().Restart();
    return database.Prepare("SELECT count(*) FROM numbers").Run();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(runs, 2);
}

TEST(PostgresConnection, ACommitThatFailedWithItsSessionIsDoneAgain) {
  Numbers numbers;
  // Ends the session in its first commit.
  numbers.Sql(
      "CREATE SEQUENCE commits; CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
      "IF nextval('commits') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); END IF; "
      "RETURN NULL; END $$; CREATE CONSTRAINT TRIGGER dying AFTER INSERT ON numbers DEFERRABLE INITIALLY DEFERRED "
      "FOR EACH ROW EXECUTE FUNCTION die()");
  int runs = 0;
  const absl::Status status = numbers.connection().Transact(Access::kWrite, "insert", [&](SqlConnection& database) {
    ++runs;
    return Numbers::Insert(database, 1);
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(numbers.Rows(), "1");
}

TEST(PostgresConnection, ACommitThatWasDoneAndNotHeardOfIsNotDoneTwice) {
  Numbers numbers;
  // A commit is done, and its session then waits for a replica that there is not: the first one after all of the
  // server's processes have read the setting.
  numbers.Sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
  numbers.Sql("SELECT pg_reload_conf()");
  std::atomic<bool> waiting = false;
  std::atomic<bool> failed = false;
  int inserted = 0;
  int runs = 0;
  absl::Status status;
  std::thread writer([&] {
    while (status.ok() && !waiting) {
      ++inserted;
      status = numbers.connection().Transact(Access::kWrite, "insert", [&](SqlConnection& database) {
        ++runs;
        return Numbers::Insert(database, inserted);
      });
    }
    failed = !status.ok();
  });
  while (!failed && numbers.Sql("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'") != "1")
    std::this_thread::yield();
  waiting = true;
  numbers.EndSession();
  writer.join();
  numbers.Sql("ALTER SYSTEM RESET synchronous_standby_names");
  numbers.Sql("SELECT pg_reload_conf()");
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(runs, inserted);
  EXPECT_EQ(numbers.Sql("SELECT count(*) FROM numbers"), absl::StrCat(inserted));
}

TEST(PostgresConnection, EveryAddressThatWasTriedIsNamed) {
  const absl::Status status =
      PostgresConnection::Open({.url = "postgresql://127.0.0.1:1,127.0.0.2:2/numbers", .application = "tested"},
                               std::make_shared<StoreFence>())
          .status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("127.0.0.1"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("127.0.0.2"));
  EXPECT_EQ(status.message().find('\n'), std::string::npos);
}

TEST(PostgresConnection, AServerThatStaysAwayIsUnavailableAndNamed) {
  Numbers numbers(absl::Milliseconds(200));
  Server().Down();
  const absl::Status status = numbers.InsertAlone(1);
  Server().Up();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(", in postgresql://postgres@/test"));
  EXPECT_TRUE(numbers.InsertAlone(1).ok());
}

TEST(PostgresConnection, AbandonedItWaitsForNothingAndWritesNothing) {
  Numbers numbers(absl::InfiniteDuration());
  Server().Down();
  std::thread abandoning([&] { numbers.fence().Abandon(); });
  EXPECT_TRUE(absl::IsUnavailable(numbers.InsertAlone(1)));
  abandoning.join();
  Server().Up();
  const absl::Status status = numbers.InsertAlone(1);
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("lost its hold"));
  EXPECT_EQ(numbers.Rows(), "");
}

TEST(PostgresConnection, CommitsWaitForTheDiskWhateverTheServersConfigurationSays) {
  Numbers numbers;
  numbers.Sql("ALTER ROLE postgres SET synchronous_commit = off");
  numbers.EndSession();
  std::string setting;
  const absl::Status status = numbers.connection().Transact(Access::kRead, "look", [&](SqlConnection& database) {
    SqlStatement show = database.Prepare("SELECT current_setting('synchronous_commit')");
    const absl::StatusOr<bool> row = show.Step();
    if (row.ok()) setting = show.String(0);
    return row.status();
  });
  numbers.Sql("ALTER ROLE postgres RESET synchronous_commit");
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(setting, "on");
}

}  // namespace
}  // namespace understudy::testing
