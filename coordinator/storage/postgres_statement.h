// Converts parameters and rows to and from PostgreSQL's binary formats.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_STATEMENT_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_STATEMENT_H_

#include <libpq-fe.h>

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace understudy {

// A statement's parameters, in order.
class PostgresParameters {
 public:
  void Clear() { parameters_.clear(); }
  void AddInt64(int64_t value);
  void AddDouble(double value);
  // Text and bytes are not copied.
  void AddText(std::string_view text);
  void AddBytes(std::string_view bytes);
  void AddNull();

  PGresult* Prepare(PGconn* session, const std::string& name, const std::string& sql) const;
  PGresult* Run(PGconn* session, const std::string& name) const;

 private:
  struct Parameter {
    Oid type;
    std::string_view value;
    bool null = false;
    std::array<char, 8> number = {};  // the bytes of `value`, where that is a number
  };
  void AddNumber(Oid type, uint64_t bits);

  std::deque<Parameter> parameters_;  // a deque, because `value` may point into `number`
};

// Turns "a = ? AND b = ?" into "a = $1 AND b = $2".
std::string NumberParameters(std::string_view sql);

// Returns an integer of a binary result; NULL is 0.
int64_t PostgresInt64(const PGresult* result, int row, int column);
// Returns a floating-point number of a binary result; NULL is 0.
double PostgresDouble(const PGresult* result, int row, int column);
// Returns text or bytes of a binary result; NULL is empty.
std::string_view PostgresBytes(const PGresult* result, int row, int column);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_STATEMENT_H_
