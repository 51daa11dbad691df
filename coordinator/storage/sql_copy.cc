// The part of SqlStore that copies everything to another one.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coordinator/storage/sql_store.h"

namespace understudy {
namespace {

enum class Kind { kInteger, kReal, kText, kOptionalText, kBlob };

struct Column {
  const char* name;
  Kind kind;
};

struct Table {
  const char* name;
  // The first ones are what its rows are ordered by, and differ in.
  std::vector<Column> columns;
  size_t keys;
  // How many rows are read at a time.
  int page;
  // Whether the database numbers its rows by the first column.
  bool numbered = false;
};

// In an order in which no row refers to one that is not there yet.
const std::vector<Table>& Tables() {
  using enum Kind;
  static const auto* const tables = new std::vector<Table>{
      {"experiments",
       {{"rowid", kInteger},
        {"id", kText},
        {"token", kOptionalText},
        {"submitted_unix_ms", kInteger},
        {"finished_unix_ms", kInteger},
        {"content", kBlob}},
       1,
       16,
       true},
      {"metrics", {{"experiment", kText}, {"stage", kInteger}, {"iteration", kInteger}, {"content", kBlob}}, 3, 1000},
      {"policies",
       {{"name", kText},
        {"version", kInteger},
        {"experiment", kText},
        {"stage", kInteger},
        {"created_unix_ms", kInteger},
        {"digest", kBlob},
        {"header", kBlob},
        {"parameters", kBlob}},
       2,
       1},
      {"datasets",
       {{"id", kInteger},
        {"name", kText},
        {"experiment", kText},
        {"created_unix_ms", kInteger},
        {"complete", kInteger},
        {"episodes", kInteger},
        {"transitions", kInteger},
        {"total_return", kReal},
        {"stored_bytes", kInteger},
        {"digest", kBlob},
        {"recipe", kBlob}},
       1,
       100,
       true},
      {"episodes",
       {{"dataset", kInteger},
        {"number", kInteger},
        {"steps", kInteger},
        {"return", kReal},
        {"terminated", kInteger},
        {"truncated", kInteger},
        {"digest", kBlob},
        {"content", kBlob}},
       2,
       16},
      {"checkpoint_contents", {{"id", kInteger}, {"content", kBlob}}, 1, 1, true},
      {"checkpoints",
       {{"experiment", kText},
        {"stage", kInteger},
        {"epoch", kInteger},
        {"iteration", kInteger},
        {"size", kInteger},
        {"content", kInteger},
        {"digest", kBlob}},
       2,
       100},
      {"outcomes",
       {{"experiment", kText}, {"stage", kInteger}, {"number", kInteger}, {"steps", kInteger}, {"return", kReal}},
       3,
       1000},
  };
  return *tables;
}

std::string ColumnNames(const Table& table, size_t count) {
  return absl::StrJoin(table.columns.begin(), table.columns.begin() + static_cast<ptrdiff_t>(count), ", ",
                       [](std::string* out, const Column& column) { absl::StrAppend(out, column.name); });
}

std::string Select(const Table& table, bool first) {
  const std::string keys = ColumnNames(table, table.keys);
  const std::vector<std::string> last(table.keys, "?");
  const std::string after = first ? "" : absl::StrCat("WHERE (", keys, ") > (", absl::StrJoin(last, ", "), ") ");
  return absl::StrCat("SELECT ", ColumnNames(table, table.columns.size()), " FROM ", table.name, " ", after,
                      "ORDER BY ", keys, " LIMIT ", table.page);
}

std::string Insert(const Table& table) {
  const std::string values = absl::StrJoin(table.columns, ", ", [](std::string* out, const Column& column) {
    absl::StrAppend(out, column.kind == Kind::kOptionalText ? "nullif(?, '')" : "?");
  });
  return absl::StrCat("INSERT INTO ", table.name, " (", ColumnNames(table, table.columns.size()), ") VALUES (", values,
                      ")");
}

SqlValue Value(const SqlStatement& row, int column, Kind kind) {
  switch (kind) {
    case Kind::kInteger:
      return row.Int64(column);
    case Kind::kReal:
      return row.Double(column);
    case Kind::kBlob:
      return Blob{row.Bytes(column)};
    case Kind::kText:
    case Kind::kOptionalText:
      break;
  }
  return row.Bytes(column);
}

// A row's key that outlives the row.
class Key {
 public:
  void Set(std::vector<SqlValue> values) {
    values_ = std::move(values);
    texts_.assign(values_.size(), "");
    for (size_t i = 0; i < values_.size(); ++i) {
      if (const auto* text = std::get_if<std::string_view>(&values_[i])) values_[i] = texts_[i] = std::string(*text);
    }
  }
  bool empty() const { return values_.empty(); }
  const std::vector<SqlValue>& values() const { return values_; }

 private:
  std::vector<SqlValue> values_;
  std::vector<std::string> texts_;
};

// Copies the rows behind `last`, as many as are read at a time, and returns how many there were.
absl::StatusOr<int64_t> CopyPage(SqlConnection& source, SqlConnection& target, const Table& table, Key& last) {
  SqlStatement select = source.Prepare(Select(table, last.empty()));
  select.BindValues(last.values());
  SqlStatement insert = target.Prepare(Insert(table));
  std::vector<SqlValue> values;
  for (int64_t rows = 0; true; ++rows) {
    const absl::StatusOr<bool> row = select.Step();
    if (!row.ok()) return row.status();
    if (!*row) return rows;
    values.clear();
    for (size_t i = 0; i < table.columns.size(); ++i) {
      values.push_back(Value(select, static_cast<int>(i), table.columns[i].kind));
    }
    if (absl::Status status = insert.BindValues(values).Run(); !status.ok()) return status;
    // Where it is the page's last, the next one begins behind it.
    if (rows + 1 == table.page) {
      values.resize(table.keys);
      last.Set(values);
    }
  }
}

absl::Status CopyTable(SqlConnection& source, SqlConnection& target, const Table& table,
                       const SqlStore::CopyProgress& progress) {
  Key last;
  for (int64_t copied = 0; true;) {
    const absl::StatusOr<int64_t> rows = CopyPage(source, target, table, last);
    if (!rows.ok()) return rows.status();
    copied += *rows;
    const bool all = *rows < table.page;
    progress(table.name, copied, all);
    if (!all) continue;
    return table.numbered && copied > 0 ? target.NumberOn(table.name, table.columns.front().name) : absl::OkStatus();
  }
}

// The larger one counts: a number that either has given out is not given out again.
absl::Status CopyCounters(SqlConnection& source, SqlConnection& target) {
  SqlStatement select = source.Prepare("SELECT name, value FROM counters");
  SqlStatement put = target.Prepare(
      "INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value "
      "WHERE counters.value < excluded.value");
  while (true) {
    const absl::StatusOr<bool> row = select.Step();
    if (!row.ok() || !*row) return row.status();
    if (absl::Status status = put.Bind(select.Bytes(0), select.Int64(1)).Run(); !status.ok()) return status;
  }
}

absl::Status CheckEmpty(SqlConnection& target) {
  for (const Table& table : Tables()) {
    const absl::StatusOr<bool> row = target.Prepare(absl::StrCat("SELECT 1 FROM ", table.name, " LIMIT 1")).Step();
    if (!row.ok()) return row.status();
    if (*row) {
      return absl::FailedPreconditionError(
          absl::StrCat(target.name(), " is not empty: it has ", table.name, "; expected an empty store"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status SqlStore::CopyTo(SqlStore& target, const CopyProgress& progress) {
  const std::string operation = "copy the store";
  return Read(operation, [&](SqlConnection& from) {
    return target.Write(operation, [&](SqlConnection& to) {
      absl::Status status = CheckEmpty(to);
      for (const Table& table : Tables()) {
        if (status.ok()) status = CopyTable(from, to, table, progress);
      }
      return status.ok() ? CopyCounters(from, to) : status;
    });
  });
}

}  // namespace understudy
