#include "coordinator/storage/measured_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <filesystem>
#include <sstream>

#include "coordinator/storage/sqlite_store.h"
#include "tests/coordinator/storage/temporary_directory.h"

namespace understudy::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

absl::StatusOr<std::unique_ptr<Store>> OpenSqlite(const std::string& directory) {
  const std::string path = directory + "/store.sqlite";
  if (!std::filesystem::exists(path)) {
    if (absl::Status status = SqliteStore::Create(path); !status.ok()) return status;
  }
  return SqliteStore::Open(path, {});
}

std::string Text(const Latencies& latencies) {
  Scrape scrape;
  latencies.AddTo(scrape);
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, scrape.Take());
  return text.str();
}

TEST(MeasuredStore, TimesEachCallByNameAndCountsWhatTheStoreCouldNotServe) {
  const TemporaryDirectory directory;
  const auto bare = OpenSqlite(directory.path()).value();
  Latencies latencies(kStoreDuration, kStoreErrors, "operation");
  MeasuredStore store(*bare, latencies);
  EXPECT_TRUE(store.NextIncarnation().ok());
  EXPECT_TRUE(store.NextIncarnation().ok());
  EXPECT_TRUE(absl::IsNotFound(store.GetDataset("none").status()));
  const std::string text = Text(latencies);
  EXPECT_THAT(text, HasSubstr("understudy_store_duration_seconds_count{operation=\"NextIncarnation\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("understudy_store_duration_seconds_count{operation=\"GetDataset\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("errors_total{"))) << "that there is none is an answer";
}

}  // namespace
}  // namespace understudy::testing
