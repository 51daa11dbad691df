// A PostgreSQL server of the test's own. The program tests/testing/postgres-server does the work.
#ifndef UNDERSTUDY_TESTS_TESTING_POSTGRES_SERVER_H_
#define UNDERSTUDY_TESTS_TESTING_POSTGRES_SERVER_H_

#include <string>

namespace understudy::testing {

// Its functions end the process if they fail, for instance because there is no PostgreSQL here.
class PostgresServer {
 public:
  PostgresServer();
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  // Makes an empty database, and returns its URL.
  std::string NewDatabase();

  // Restarts the server as after a crash.
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
