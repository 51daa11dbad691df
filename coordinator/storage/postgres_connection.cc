#include "coordinator/storage/postgres_connection.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "coordinator/storage/postgres_url.h"

namespace understudy {
namespace {

constexpr absl::Duration kRetryInterval = absl::Milliseconds(100);

// A takeover changes the row, and so waits for the transactions that hold it; those that come later find it changed.
constexpr char kBeginFenced[] =
    "BEGIN; SELECT pg_current_xact_id(), value FROM counters WHERE name = 'incarnation' FOR SHARE";
constexpr char kBeginUnfenced[] = "BEGIN; SELECT pg_current_xact_id(), 0";
constexpr char kBeginReading[] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

}  // namespace

class PostgresConnection::Statement final : public PreparedStatement {
 public:
  Statement(PostgresConnection& connection, std::string_view sql, std::string name)
      : connection_(connection), sql_(NumberParameters(sql)), name_(std::move(name)) {}

  void Reset() override {
    parameters_.Clear();
    result_.reset();
  }
  void BindInt64(int, int64_t value) override { parameters_.AddInt64(value); }
  void BindDouble(int, double value) override { parameters_.AddDouble(value); }
  void BindText(int, std::string_view text) override { parameters_.AddText(text); }
  void BindBlob(int, std::string_view bytes) override { parameters_.AddBytes(bytes); }
  void BindNull(int) override { parameters_.AddNull(); }

  absl::StatusOr<bool> Step() override {
    if (result_ == nullptr) {
      if (absl::Status status = Run(); !status.ok()) return status;
    } else {
      ++row_;
    }
    return row_ < PQntuples(result_.get());
  }

  int64_t Int64(int column) const override { return PostgresInt64(result_.get(), row_, column); }
  double Double(int column) const override { return PostgresDouble(result_.get(), row_, column); }
  std::string_view Bytes(int column) const override { return PostgresBytes(result_.get(), row_, column); }

 private:
  // Only with the first parameters are their types known.
  absl::Status Run() {
    PGconn* const session = connection_.session_.get();
    if (!prepared_) {
      const PostgresResult prepared(parameters_.Prepare(session, name_, sql_));
      if (absl::Status status = connection_.Check(prepared.get()); !status.ok()) return status;
      prepared_ = true;
    }
    PostgresResult result(parameters_.Run(session, name_));
    if (absl::Status status = connection_.Check(result.get()); !status.ok()) return status;
    result_ = std::move(result);
    row_ = 0;
    return absl::OkStatus();
  }

  PostgresConnection& connection_;
  const std::string sql_;
  const std::string name_;
  bool prepared_ = false;
  PostgresParameters parameters_;
  PostgresResult result_;
  int row_ = 0;
};

absl::StatusOr<std::unique_ptr<PostgresConnection>> PostgresConnection::Open(Options options,
                                                                             std::shared_ptr<StoreFence> fence) {
  absl::StatusOr<std::string> name = DescribePostgresUrl(options.url);
  if (!name.ok()) return name.status();
  std::unique_ptr<PostgresConnection> connection(
      new PostgresConnection(std::move(options), *std::move(name), std::move(fence)));
  if (absl::Status status = connection->Connect(); !status.ok()) return status;
  return connection;
}

PostgresConnection::PostgresConnection(Options options, std::string name, std::shared_ptr<StoreFence> fence)
    : options_(std::move(options)), name_(std::move(name)), fence_(std::move(fence)) {}

absl::Status PostgresConnection::Connect() {
  statements_.clear();
  session_.reset();
  over_ = false;
  absl::StatusOr<PostgresSession> session = ConnectPostgres(options_.url, options_.application);
  if (!session.ok()) {
    return absl::Status(session.status().code(),
                        absl::StrCat("cannot ", operation_, ": ", session.status().message(), ", in ", name_));
  }
  session_ = *std::move(session);
  return absl::OkStatus();
}

SqlStatement PostgresConnection::Prepare(std::string_view sql) {
  auto known = statements_.find(sql);
  if (known == statements_.end()) {
    auto statement = std::make_unique<Statement>(*this, sql, absl::StrCat("s", statements_.size()));
    known = statements_.emplace(sql, std::move(statement)).first;
  }
  return SqlStatement(*known->second);
}

absl::Status PostgresConnection::Execute(const char* sql) {
  return Check(PostgresResult(PQexec(session_.get(), sql)).get());
}

absl::StatusOr<bool> PostgresConnection::HasTable(std::string_view name) {
  return Prepare("SELECT 1 FROM pg_class WHERE oid = to_regclass(?)").Bind(name).Step();
}

absl::Status PostgresConnection::NumberOn(const std::string& table, const std::string& column) {
  return Prepare(absl::StrCat("SELECT setval(pg_get_serial_sequence('", table, "', '", column, "'), max(", column,
                              ")) FROM ", table))
      .Run();
}

absl::Status PostgresConnection::Transact(Access access, std::string operation, const Body& body) {
  operation_ = std::move(operation);
  const absl::Time began = absl::Now();
  std::string in_doubt;
  bool complained = false;
  while (true) {
    const absl::Status status = Attempt(access, body, in_doubt);
    if (!lost()) {
      if (complained)
        spdlog::info("{}: connected again after {:.1f} s", name_, absl::ToDoubleSeconds(absl::Now() - began));
      return status;
    }
    if (!std::exchange(complained, true)) spdlog::warn("{}; trying again", std::string(status.message()));
    if (absl::Now() - began >= options_.patience || fence_->WaitUntilAbandoned(kRetryInterval)) return status;
  }
}

absl::Status PostgresConnection::Attempt(Access access, const Body& body, std::string& in_doubt) {
  if (access == Access::kWrite && fence_->abandoned()) {
    return absl::UnavailableError(absl::StrCat("cannot ", operation_, ": this process has lost its hold on ", name_));
  }
  if (lost()) {
    if (absl::Status status = Connect(); !status.ok()) return status;
  }
  if (!in_doubt.empty()) {
    const absl::StatusOr<bool> committed = WasCommitted(in_doubt);
    if (!committed.ok() || *committed) return committed.status();
    in_doubt.clear();
  }
  std::string transaction;
  absl::Status status = Begin(access, transaction);
  if (status.ok()) status = body(*this);
  if (status.ok()) {
    status = Execute("COMMIT");
    if (lost()) in_doubt = transaction;
  }
  if (!status.ok() && !lost() && PQtransactionStatus(session_.get()) != PQTRANS_IDLE) {
    Execute("ROLLBACK").IgnoreError();
  }
  return status;
}

absl::Status PostgresConnection::Begin(Access access, std::string& transaction) {
  if (access == Access::kRead) return Execute(kBeginReading);
  const int64_t incarnation = fence_->incarnation();
  const PostgresResult result(PQexec(session_.get(), incarnation == 0 ? kBeginUnfenced : kBeginFenced));
  if (absl::Status status = Check(result.get()); !status.ok()) return status;
  const bool found = PQntuples(result.get()) == 1;
  transaction = found ? PQgetvalue(result.get(), 0, 0) : "";
  const std::string latest = found ? PQgetvalue(result.get(), 0, 1) : "";
  if (incarnation == 0 || latest == absl::StrCat(incarnation)) return absl::OkStatus();
  fence_->Abandon();
  return absl::UnavailableError(absl::StrCat("cannot ", operation_, ": another process has taken over ", name_,
                                             " (its incarnation is ", latest, ", this one's ", incarnation, ")"));
}

absl::StatusOr<bool> PostgresConnection::WasCommitted(const std::string& transaction) {
  while (true) {
    const PostgresResult result(
        PQexec(session_.get(), absl::StrCat("SELECT pg_xact_status('", transaction, "')").c_str()));
    if (absl::Status status = Check(result.get()); !status.ok()) return status;
    const std::string found = PQgetvalue(result.get(), 0, 0);
    if (found == "committed") return true;
    if (found == "aborted") return false;
    // The server has not noticed yet that the session is over. It forgets only what is many transactions ago.
    if (found != "in progress" || fence_->WaitUntilAbandoned(kRetryInterval)) {
      return absl::UnavailableError(
          absl::StrCat("cannot ", operation_, ": whether it was done is unknown, in ", name_));
    }
  }
}

absl::Status PostgresConnection::Check(const PGresult* result) {
  if (Succeeded(result)) {
    const char* const count = PQcmdTuples(const_cast<PGresult*>(result));
    if (!absl::SimpleAtoi(count, &changes_)) changes_ = 0;
    return absl::OkStatus();
  }
  over_ = over_ || IsSessionOver(session_.get(), result);
  return PostgresError(session_.get(), result, operation_, name_);
}

}  // namespace understudy
