// What PostgresStore promises beyond every Store: one writer at a time, whatever became of the one before.
#include "coordinator/storage/postgres_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "coordinator/storage/postgres_connection.h"
#include "coordinator/storage/schema.h"
#include "tests/coordinator/storage/stored_content.h"
#include "tests/testing/listing.h"
#include "tests/testing/log_capture.h"
#include "tests/testing/postgres_server.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

PostgresServer& Server() {
  static PostgresServer server;
  return server;
}

std::unique_ptr<PostgresStore> OpenStore(const std::string& url) {
  return PostgresStore::Open(url, std::make_shared<StoreFence>()).value();
}

v1::Experiment Experiment(const std::string& id) {
  v1::Experiment experiment;
  experiment.set_id(id);
  return experiment;
}

TEST(PostgresStore, WhoOpensItLaterFencesOutWhoOpenedItEarlier) {
  const std::string url = Server().NewDatabase();
  const auto earlier = OpenStore(url);
  ASSERT_TRUE(earlier->PutExperiment(Experiment("a"), "").ok());
  const auto later = OpenStore(url);
  const absl::Status refused = earlier->PutExperiment(Experiment("b"), "");
  EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("another process has taken over postgresql://postgres@/test"));
  EXPECT_TRUE(absl::IsUnavailable(MakeCompleteDataset(*earlier, "demos", 1, 5)));
  EXPECT_TRUE(absl::IsUnavailable(earlier->NextIncarnation().status()));
  EXPECT_TRUE(later->PutExperiment(Experiment("c"), "").ok());
  EXPECT_THAT(AllExperiments(*later), SizeIs(2));
  EXPECT_THAT(AllDatasets(*later), IsEmpty());
}

TEST(PostgresStore, AStoreOfTheFirstVersionIsUpgradedAsItIs) {
  const std::string url = Server().NewDatabase();
  {
    const auto connection =
        PostgresConnection::Open({.url = url, .application = "upgraded"}, std::make_shared<StoreFence>()).value();
    ASSERT_TRUE(CreateSchema(*connection, PostgresMigrations().first(1)).ok());
    SqlStatement put =
        connection->Prepare("INSERT INTO experiments (id, token, submitted_unix_ms, content) VALUES (?, ?, ?, ?)");
    for (int i = 0; i < 600; ++i) {
      v1::Experiment experiment = Experiment(absl::StrCat("e", i));
      experiment.set_status(i % 200 == 7 ? v1::STATUS_RUNNING : v1::STATUS_FAILED);
      experiment.set_finished_unix_ms(i % 200 == 7 ? 0 : 5000 + i);
      const std::string content = experiment.SerializeAsString();
      ASSERT_TRUE(put.Bind(experiment.id(), experiment.id(), 1000 + i, Blob{content}).Run().ok());
    }
  }
  const auto store = OpenStore(url);
  EXPECT_THAT(AllExperiments(*store), SizeIs(600));
  EXPECT_EQ(AllExperiments(*store).front().id(), "e599");
  EXPECT_THAT(AllExperiments(*store, {.unfinished = true}), SizeIs(3));
  EXPECT_THAT(AllExperiments(*store, {.finished_before_unix_ms = 5001}), SizeIs(2));
  EXPECT_EQ(store->FindExperimentByToken("e5").value(), "e5");
}

TEST(PostgresStore, ATransactionOfAFormerWriterEndsWhenTheLockIsTaken) {
  const std::string url = Server().NewDatabase();
  const auto former = OpenStore(url);
  const auto fence = std::make_shared<StoreFence>();
  fence->SetIncarnation(former->NextIncarnation().value());
  const auto writer = PostgresConnection::Open({.url = url, .application = kPostgresWriter}, fence).value();
  // In the middle of a transaction, as if it had been stopped there.
  std::latch begun(1), taken(1);
  int runs = 0;
  absl::Status status;
  std::thread stopped([&] {
    status = writer->Transact(SqlConnection::Access::kWrite, "write", [&](SqlConnection& database) {
      ++runs;
      absl::Status inserted = database.Prepare("INSERT INTO counters (name, value) VALUES ('late', 1)").Run();
      begun.count_down();
      taken.wait();
      return inserted;
    });
  });
  begun.wait();
  const auto database = PostgresDatabase::OpenNow(url).value();
  taken.count_down();
  stopped.join();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("has taken over"));
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(Server().Sql(url, "SELECT count(*) FROM counters WHERE name = 'late'"), "0");
}

TEST(PostgresStore, OpenForReadingItReadsEverythingAndWritesNothing) {
  const std::string url = Server().NewDatabase();
  EXPECT_TRUE(absl::IsNotFound(PostgresStore::OpenForReading(url).status()));
  const auto writer = OpenStore(url);
  const auto reader = PostgresStore::OpenForReading(url).value();
  ASSERT_TRUE(MakeCompleteDataset(*writer, "demos", 2, 10).ok());
  EXPECT_THAT(EpisodeNumbers(ReadAll(*reader, "demos").value()), ElementsAre(0, 1));
  for (const absl::Status& status :
       {reader->NextIncarnation().status(), reader->PutExperiment({}, ""), reader->DeleteDataset("demos")}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
  }
}

TEST(PostgresStore, ANewerSchemaIsRefusedAndLeftAlone) {
  const std::string url = Server().NewDatabase();
  OpenStore(url);
  Server().Sql(url, "INSERT INTO migrations (number) VALUES (1000)");
  for (const absl::Status& status : {PostgresStore::Open(url, std::make_shared<StoreFence>()).status(),
                                     PostgresStore::OpenForReading(url).status()}) {
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("schema 1000"));
  }
}

TEST(PostgresStore, FindsADamagedEpisodeAndReadsAllOthers) {
  const std::string url = Server().NewDatabase();
  const auto store = OpenStore(url);
  ASSERT_TRUE(MakeCompleteDataset(*store, "demos", 10, 20).ok());
  Server().Sql(url,
               "UPDATE episodes SET content = set_byte(content, 40, 255 - get_byte(content, 40)) WHERE number = 4");
  const auto verified = store->VerifyDataset("demos").value();
  EXPECT_EQ(verified.episodes(), 9);
  EXPECT_THAT(verified.problems(), ElementsAre(StartsWith("dataset 'demos', episode 4: ")));
}

// A name may hold any text that PostgreSQL can; a zero it cannot, and SQLite's conformance does not ask for one.
TEST(PostgresStore, TextThatCannotBeStoredIsInvalid) {
  const auto store = OpenStore(Server().NewDatabase());
  EXPECT_TRUE(absl::IsInvalidArgument(store->PutExperiment(Experiment("a"), std::string("a\0b", 3))));
  EXPECT_TRUE(absl::IsInvalidArgument(store->GetPolicy(std::string("\0", 1), 1).status()));
}

TEST(PostgresLock, IsHeldByOneWhoIsNamedUntilItIsGone) {
  const std::string url = Server().NewDatabase();
  auto first = PostgresLock::Connect(url).value();
  const auto second = PostgresLock::Connect(url).value();
  EXPECT_EQ(first->TryTake().value(), "");
  EXPECT_EQ(second->TryTake().value(), ProcessText());
  first.reset();
  // The server takes a moment to notice.
  while (second->TryTake().value() != "") std::this_thread::yield();
}

TEST(PostgresDatabase, InUseNamesWhoUsesIt) {
  const std::string url = Server().NewDatabase();
  auto database = PostgresDatabase::OpenNow(url).value();
  const absl::Status status = PostgresDatabase::OpenNow(url).status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat("is in use by ", ProcessText())));
}

// What ends the sessions of that name in the database.
void EndSessions(const std::string& url, const std::string& name) {
  Server().Sql(url, absl::StrCat("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
                                 "current_database() AND application_name LIKE '",
                                 name, "%'"));
}

TEST(PostgresDatabase, ThatNobodyElseHasTakenMeanwhileIsHeldAgain) {
  LogCapture log;
  const std::string url = Server().NewDatabase();
  const auto database = PostgresDatabase::OpenNow(url).value();
  EndSessions(url, "understudy process");
  EXPECT_TRUE(log.Await("held again"));
  EXPECT_TRUE(database->store().PutExperiment(Experiment("a"), "").ok());
  Server().Restart();
  EXPECT_EQ(database->store().PutExperiment(Experiment("b"), ""), absl::OkStatus());
}

TEST(PostgresDatabase, ThatSomebodyElseHasWrittenToMeanwhileIsLost) {
  LogCapture log;
  const std::string url = Server().NewDatabase();
  auto lock = PostgresLock::Connect(url).value();
  ASSERT_EQ(lock->TryTake().value(), "");
  std::latch lost(1);
  const auto database = PostgresDatabase::Open(url, std::move(lock), [&](const absl::Status& status) {
                          EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
                          lost.count_down();
                        }).value();
  OpenStore(url);
  EndSessions(url, "understudy process");
  lost.wait();
  EXPECT_TRUE(absl::IsUnavailable(database->store().PutExperiment(Experiment("a"), "")));
}

TEST(PostgresDatabase, ThatStaysAwayIsLost) {
  LogCapture log;
  const std::string url = Server().NewDatabase();
  auto lock = PostgresLock::Connect(url).value();
  ASSERT_EQ(lock->TryTake().value(), "");
  std::latch lost(1);
  const auto database =
      PostgresDatabase::Open(url, std::move(lock), [&](const absl::Status&) { lost.count_down(); }).value();
  Server().Down();
  lost.wait();
  Server().Up();
  EXPECT_TRUE(absl::IsUnavailable(database->store().PutExperiment(Experiment("a"), "")));
}

}  // namespace
}  // namespace understudy::testing
