#include "coordinator/storage/experiment_rows.h"
#include "coordinator/storage/schema.h"

namespace understudy {
namespace {

// Blobs are serialised messages of understudy.v1 where not said otherwise. They come last in their rows, so that the
// other columns can be read without them.
constexpr Migration kMigrations[] = {
    // 1
    {R"sql(
    CREATE TABLE counters (
      name TEXT PRIMARY KEY,
      value INTEGER NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE experiments (
      id TEXT NOT NULL UNIQUE,
      token TEXT UNIQUE,
      submitted_unix_ms INTEGER NOT NULL,
      content BLOB NOT NULL               -- Experiment
    );

    CREATE TABLE metrics (
      experiment TEXT NOT NULL,
      stage INTEGER NOT NULL,
      iteration INTEGER NOT NULL,
      content BLOB NOT NULL,              -- StageProgress
      PRIMARY KEY (experiment, stage, iteration)
    ) WITHOUT ROWID;

    CREATE TABLE policies (
      name TEXT NOT NULL,
      version INTEGER NOT NULL,
      experiment TEXT NOT NULL,
      stage INTEGER NOT NULL,
      created_unix_ms INTEGER NOT NULL,
      digest BLOB NOT NULL,               -- SHA-256
      header BLOB NOT NULL,               -- PolicyHeader
      parameters BLOB NOT NULL,           -- float32, little-endian
      PRIMARY KEY (name, version)
    );

    -- Numbers are never used again: a reader can tell a dataset from a later one of the same name.
    CREATE TABLE datasets (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL UNIQUE,
      experiment TEXT NOT NULL,
      created_unix_ms INTEGER NOT NULL,
      complete INTEGER NOT NULL,
      episodes INTEGER NOT NULL,          -- sums over its episodes, kept up by every change to them
      transitions INTEGER NOT NULL,
      total_return REAL NOT NULL,
      stored_bytes INTEGER NOT NULL,
      digest BLOB NOT NULL,               -- SHA-256; empty until complete
      recipe BLOB NOT NULL                -- DatasetRecipe
    );

    CREATE TABLE episodes (
      dataset INTEGER NOT NULL REFERENCES datasets ON DELETE CASCADE,
      number INTEGER NOT NULL,
      steps INTEGER NOT NULL,
      return REAL NOT NULL,
      terminated INTEGER NOT NULL,
      truncated INTEGER NOT NULL,
      digest BLOB NOT NULL,               -- SHA-256
      content BLOB NOT NULL,              -- zstd of a TrajectoryBatch of this one trajectory
      PRIMARY KEY (dataset, number)
    );
    )sql"},
    // 2
    {R"sql(
    -- Apart from checkpoints, so that one whose pages are damaged can be left where it is when a later one comes.
    CREATE TABLE checkpoint_contents (
      id INTEGER PRIMARY KEY,
      content BLOB NOT NULL               -- Checkpoint
    );

    CREATE TABLE checkpoints (
      experiment TEXT NOT NULL,
      stage INTEGER NOT NULL,
      epoch INTEGER NOT NULL,
      iteration INTEGER NOT NULL,
      size INTEGER NOT NULL,
      content INTEGER NOT NULL,           -- id in checkpoint_contents
      digest BLOB NOT NULL,               -- XXH3, 64 bits; SHA-256 where it is 32 bytes long
      PRIMARY KEY (experiment, stage)
    ) WITHOUT ROWID;

    CREATE TABLE outcomes (
      experiment TEXT NOT NULL,
      stage INTEGER NOT NULL,
      number INTEGER NOT NULL,
      steps INTEGER NOT NULL,
      return REAL NOT NULL,
      PRIMARY KEY (experiment, stage, number)
    ) WITHOUT ROWID;
    )sql"},
    // 3
    {R"sql(
    -- 0: it has not finished. Lists and what deletes what is old need not read the content then.
    ALTER TABLE experiments ADD COLUMN finished_unix_ms INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX experiments_by_submission ON experiments (submitted_unix_ms);
    CREATE INDEX unfinished_experiments ON experiments (submitted_unix_ms) WHERE finished_unix_ms = 0;
    )sql",
     FillFinishedUnixMs},
};

}  // namespace

Migrations SqliteMigrations() { return kMigrations; }

}  // namespace understudy
