// A connection to a PostgreSQL database that survives restarts of the server. If the session ends during a transaction,
// the transaction runs again in a new session, unless the server says that it was committed.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_CONNECTION_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_CONNECTION_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/storage/postgres_lock.h"
#include "coordinator/storage/postgres_session.h"
#include "coordinator/storage/sql_connection.h"

namespace understudy {

class PostgresConnection final : public SqlConnection {
 public:
  struct Options {
    std::string url;
    std::string application;  // the sessions' name at the server
    // How long a transaction is tried again after its session has ended. After that it fails with UNAVAILABLE.
    absl::Duration patience = absl::Seconds(3);
  };

  // Connects.
  // INVALID_ARGUMENT: this is no URL of PostgreSQL.
  // UNAVAILABLE: the server cannot be reached. The message names it, without password, and gives its reason.
  static absl::StatusOr<std::unique_ptr<PostgresConnection>> Open(Options options, std::shared_ptr<StoreFence> fence);

  SqlStatement Prepare(std::string_view sql) override;
  absl::Status Execute(const char* sql) override;
  // Runs a transaction as SqlConnection::Transact says. A transaction that writes is refused if the fence's incarnation
  // is not the database's latest. The server decides that within the transaction, so it holds however long the process
  // was stopped.
  // UNAVAILABLE: it was refused, or the server was away for longer than Options::patience.
  absl::Status Transact(Access access, std::string operation,
                        const std::function<absl::Status(SqlConnection&)>& body) override;
  int64_t changes() const override { return changes_; }
  absl::StatusOr<bool> HasTable(std::string_view name) override;
  // Does nothing: PostgreSQL's autovacuum does it.
  absl::StatusOr<bool> ReleasePages(int64_t) override { return false; }
  absl::Status NumberOn(const std::string& table, const std::string& column) override;
  const std::string& name() const override { return name_; }

 private:
  class Statement;
  using Body = std::function<absl::Status(SqlConnection&)>;

  PostgresConnection(Options options, std::string name, std::shared_ptr<StoreFence> fence);

  // Returns whether the session cannot be used any more.
  bool lost() const { return PQstatus(session_.get()) != CONNECTION_OK || over_; }
  absl::Status Connect();
  // Makes one attempt at a transaction. `in_doubt` is the number of the transaction that was being committed when the
  // session ended; empty: there is none.
  absl::Status Attempt(Access access, const Body& body, std::string& in_doubt);
  absl::Status Begin(Access access, std::string& transaction);
  // Asks the server whether a transaction was committed.
  absl::StatusOr<bool> WasCommitted(const std::string& transaction);
  // Returns a result's error, or OK. The result may be null.
  absl::Status Check(const PGresult* result);

  const Options options_;
  const std::string name_;
  const std::shared_ptr<StoreFence> fence_;
  PostgresSession session_;
  bool over_ = false;
  std::string operation_ = "open the store";
  std::map<std::string, std::unique_ptr<PreparedStatement>, std::less<>> statements_;  // of this session
  int64_t changes_ = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_CONNECTION_H_
