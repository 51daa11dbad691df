#include "coordinator/storage/postgres_statement.h"

#include <bit>
#include <vector>

#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

// PostgreSQL's numbers of types, which never change.
constexpr Oid kBytea = 17;
constexpr Oid kInt8 = 20;
constexpr Oid kText = 25;
constexpr Oid kFloat8 = 701;

constexpr int kBinary = 1;

// Most significant byte first, sign extended.
int64_t SignedNumber(std::string_view bytes) {
  uint64_t bits = !bytes.empty() && static_cast<signed char>(bytes[0]) < 0 ? ~uint64_t{0} : 0;
  for (const char byte : bytes) bits = bits << 8 | static_cast<unsigned char>(byte);
  return static_cast<int64_t>(bits);
}

}  // namespace

void PostgresParameters::AddNumber(Oid type, uint64_t bits) {
  Parameter& added = parameters_.emplace_back(Parameter{.type = type, .value = {}});
  for (int i = 0; i < 8; ++i) added.number[i] = static_cast<char>(bits >> (56 - 8 * i));
  added.value = {added.number.data(), added.number.size()};
}

void PostgresParameters::AddInt64(int64_t value) { AddNumber(kInt8, static_cast<uint64_t>(value)); }

void PostgresParameters::AddDouble(double value) { AddNumber(kFloat8, std::bit_cast<uint64_t>(value)); }

void PostgresParameters::AddText(std::string_view text) { parameters_.push_back({.type = kText, .value = text}); }

void PostgresParameters::AddBytes(std::string_view bytes) { parameters_.push_back({.type = kBytea, .value = bytes}); }

void PostgresParameters::AddNull() { parameters_.push_back({.type = 0, .value = {}, .null = true}); }

PGresult* PostgresParameters::Prepare(PGconn* session, const std::string& name, const std::string& sql) const {
  std::vector<Oid> types;
  for (const Parameter& parameter : parameters_) types.push_back(parameter.type);
  return PQprepare(session, name.c_str(), sql.c_str(), static_cast<int>(types.size()), types.data());
}

PGresult* PostgresParameters::Run(PGconn* session, const std::string& name) const {
  std::vector<const char*> values;
  std::vector<int> lengths;
  for (const Parameter& parameter : parameters_) {
    // A null pointer is NULL.
    values.push_back(parameter.null ? nullptr : parameter.value.empty() ? "" : parameter.value.data());
    lengths.push_back(static_cast<int>(parameter.value.size()));
  }
  const std::vector<int> formats(parameters_.size(), kBinary);
  return PQexecPrepared(session, name.c_str(), static_cast<int>(values.size()), values.data(), lengths.data(),
                        formats.data(), kBinary);
}

std::string NumberParameters(std::string_view sql) {
  std::string numbered;
  int number = 0;
  for (const char c : sql) {
    if (c == '?') {
      absl::StrAppend(&numbered, "$", ++number);
    } else {
      numbered.push_back(c);
    }
  }
  return numbered;
}

int64_t PostgresInt64(const PGresult* result, int row, int column) {
  return SignedNumber(PostgresBytes(result, row, column));
}

double PostgresDouble(const PGresult* result, int row, int column) {
  return std::bit_cast<double>(SignedNumber(PostgresBytes(result, row, column)));
}

std::string_view PostgresBytes(const PGresult* result, int row, int column) {
  return {PQgetvalue(result, row, column), static_cast<size_t>(PQgetlength(result, row, column))};
}

}  // namespace understudy
