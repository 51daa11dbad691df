#include "tests/testing/postgres_server.h"

#include <cstdio>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace understudy::testing {
namespace {

std::string Quote(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

// Runs a shell's command to its end, and returns what it prints.
std::string Shell(const std::string& command) {
  FILE* const pipe = popen(command.c_str(), "r");
  std::string printed;
  char buffer[4096];
  while (const size_t size = fread(buffer, 1, sizeof(buffer), pipe)) printed.append(buffer, size);
  if (pclose(pipe) == 0) return std::string(absl::StripAsciiWhitespace(printed));
  std::fprintf(stderr, "failed: %s\n", command.c_str());
  std::exit(EXIT_FAILURE);
}

}  // namespace

PostgresServer::PostgresServer() : directory_(Shell(absl::StrCat(Quote(UNDERSTUDY_POSTGRES_SERVER), " start"))) {}

PostgresServer::~PostgresServer() { Run("remove"); }

std::string PostgresServer::NewDatabase() {
  const std::string name = absl::StrCat("test", ++databases_);
  Run("sql", Quote(absl::StrCat("CREATE DATABASE ", name)));
  return absl::StrCat("postgresql://postgres@/", name, "?host=", directory_);
}

std::string PostgresServer::Sql(const std::string& url, const std::string& sql) {
  return Shell(absl::StrCat("psql -X -q -A -t -v ON_ERROR_STOP=1 ", Quote(url), " -c ", Quote(sql)));
}

std::string PostgresServer::Run(const std::string& command, const std::string& arguments) {
  return Shell(absl::StrCat(Quote(UNDERSTUDY_POSTGRES_SERVER), " ", command, " ", Quote(directory_), " ", arguments));
}

}  // namespace understudy::testing
