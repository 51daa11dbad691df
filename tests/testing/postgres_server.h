// A PostgreSQL server of the test's own: see tests/testing/postgres-server, which does the work.
#ifndef UNDERSTUDY_TESTS_TESTING_POSTGRES_SERVER_H_
#define UNDERSTUDY_TESTS_TESTING_POSTGRES_SERVER_H_

#include <string>

namespace understudy::testing {

// Ends the process where there is none to be had.
class PostgresServer {
 public:
  PostgresServer();
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  // The URL of a database that is made now, and empty.
  std::string NewDatabase();

  // As after a crash.
  void Restart() { Run("restart"); }
  void Down() { Run("down"); }
  void Up() { Run("up"); }

  // Runs SQL in the database of that URL, and returns the rows, a line each.
  std::string Sql(const std::string& url, const std::string& sql);

 private:
  std::string Run(const std::string& command, const std::string& arguments = "");

  std::string directory_;
  int databases_ = 0;
};

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_TESTING_POSTGRES_SERVER_H_
