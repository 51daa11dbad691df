// SqlConnection to a PostgreSQL database that outlives the server's restarts: a transaction whose session ends is run
// again in a new one, and never twice.
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
#include "coordinator/storage/postgres_session.h"
#include "coordinator/storage/sql_connection.h"
#include "coordinator/storage/store_fence.h"

namespace understudy {

class PostgresConnection final : public SqlConnection {
 public:
  struct Options {
    std::string url;
    std::string application;  // the sessions' name at the server
    // For so long a transaction is tried again whose session has ended; then UNAVAILABLE.
    absl::Duration patience = absl::Seconds(3);
  };

  // INVALID_ARGUMENT: no URL of PostgreSQL. UNAVAILABLE names the server, without password, and gives its reason.
  static absl::StatusOr<std::unique_ptr<PostgresConnection>> Open(Options options, std::shared_ptr<StoreFence> fence);

  SqlStatement Prepare(std::string_view sql) override;
  absl::Status Execute(const char* sql) override;
  // One that writes is refused with UNAVAILABLE where the fence's incarnation is not the database's latest: that is
  // decided with the transaction itself, however long the process was stopped in it.
  absl::Status Transact(Access access, std::string operation,
                        const std::function<absl::Status(SqlConnection&)>& body) override;
  int64_t changes() const override { return changes_; }
  absl::StatusOr<bool> HasTable(std::string_view name) override;
  absl::Status NumberOn(const std::string& table, const std::string& column) override;
  const std::string& name() const override { return name_; }

 private:
  class Statement;
  using Body = std::function<absl::Status(SqlConnection&)>;

  PostgresConnection(Options options, std::string name, std::shared_ptr<StoreFence> fence);

  // The session can be used no more.
  bool lost() const { return PQstatus(session_.get()) != CONNECTION_OK || over_; }
  absl::Status Connect();
  // One attempt at a transaction. `in_doubt`: the number of one that was to be committed when the session ended.
  absl::Status Attempt(Access access, const Body& body, std::string& in_doubt);
  absl::Status Begin(Access access, std::string& transaction);
  // Whether it was committed, as the server knows it.
  absl::StatusOr<bool> WasCommitted(const std::string& transaction);
  // nullptr-safe; what the result means.
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
