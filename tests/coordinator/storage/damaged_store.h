// SQLite stores with content, and ways to damage them behind the store's back.
#ifndef UNDERSTUDY_TESTS_COORDINATOR_STORAGE_DAMAGED_STORE_H_
#define UNDERSTUDY_TESTS_COORDINATOR_STORAGE_DAMAGED_STORE_H_

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "coordinator/storage/sqlite_connection.h"
#include "coordinator/storage/sqlite_store.h"
#include "tests/coordinator/storage/stored_content.h"
#include "tests/coordinator/storage/temporary_directory.h"

namespace understudy::testing {

// Opens a store, which is made where there is none.
inline std::unique_ptr<SqliteStore> OpenStore(const std::string& path, const SqliteStore::Options& options = {}) {
  if (!std::filesystem::exists(path)) {
    EXPECT_TRUE(SqliteStore::Create(path).ok());
  }
  return SqliteStore::Open(path, options).value();
}

// Inverts one byte of a blob, behind the store's back.
inline void Flip(const std::string& path, const char* table, const char* column, int64_t row, int offset) {
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

// Behind the store's back, too.
inline void Execute(const std::string& path, const char* sql) {
  const absl::Status status = SqliteConnection::Open(path, SqliteConnection::Mode::kWrite).value()->Execute(sql);
  ASSERT_TRUE(status.ok()) << status;
}

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Fills the page of the database file that holds these bytes with others.
inline void OverwritePageWith(const std::string& path, const std::string& bytes) {
  constexpr size_t kPageBytes = 4096;
  const size_t found = ReadFile(path).find(bytes);
  ASSERT_NE(found, std::string::npos);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(found / kPageBytes * kPageBytes));
  file << std::string(kPageBytes, '\xa5');
}

// Datasets `before`, `demos` and `after` of 40 episodes with 100 steps each, and the policy `expert`.
inline std::string FilledStore(const TemporaryDirectory& directory) {
  const std::string path = directory.File("store");
  const auto store = OpenStore(path);
  for (const char* name : {"before", "demos", "after"}) {
    EXPECT_TRUE(MakeCompleteDataset(*store, name, 40, 100).ok());
  }
  EXPECT_EQ(store->AddPolicy(*TestSnapshot("expert", 1), {}).value(), 1);
  return path;
}

// Rows are numbered in the order of insertion.
inline int64_t RowOfDemos(int64_t episode) { return 40 + episode + 1; }

inline absl::Status PutCheckpoint(Store& store, int64_t epoch, const std::string& content) {
  return store.PutCheckpoint(CheckpointHeader("e1", 2, epoch, 1, content), content);
}

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_COORDINATOR_STORAGE_DAMAGED_STORE_H_
