#include "coordinator/storage/postgres_url.h"

#include <libpq-fe.h>

#include <map>
#include <memory>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace understudy {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

// "host:port,host:port"
std::string HostText(const std::string& hosts, const std::string& ports) {
  const std::vector<std::string> host = absl::StrSplit(hosts, ',');
  const std::vector<std::string> port = absl::StrSplit(ports, ',');
  std::vector<std::string> parts;
  for (size_t i = 0; i < host.size(); ++i) {
    const std::string& own = port[i < port.size() ? i : 0];
    parts.push_back(own.empty() ? host[i] : absl::StrCat(host[i], ":", own));
  }
  return absl::StrJoin(parts, ",");
}

}  // namespace

bool IsPostgresUrl(const std::string& text) {
  return absl::StartsWith(text, "postgresql://") || absl::StartsWith(text, "postgres://");
}

absl::StatusOr<std::string> DescribePostgresUrl(const std::string& url) {
  // What libpq says of a malformed one may repeat a password.
  const absl::Status malformed = absl::InvalidArgumentError(
      "the store's address is malformed, expected postgresql://[USER[:PASSWORD]@]HOST[:PORT]/DATABASE[?sslmode=…]");
  if (!IsPostgresUrl(url)) return malformed;
  char* error = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(PQconninfoParse(url.c_str(), &error));
  PQfreemem(error);
  if (options == nullptr) return malformed;
  std::map<std::string, std::string> values;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) values[option->keyword] = option->val;
  }
  std::string text = "postgresql://";
  if (!values["user"].empty()) {
    absl::StrAppend(&text, values["user"], values["password"].empty() ? "" : ":***", "@");
  }
  // A directory of sockets is no host.
  const bool is_directory = absl::StartsWith(values["host"], "/");
  if (!is_directory) absl::StrAppend(&text, HostText(values["host"], values["port"]));
  absl::StrAppend(&text, "/", values["dbname"]);
  if (is_directory) absl::StrAppend(&text, "?host=", values["host"]);
  if (is_directory && !values["port"].empty()) absl::StrAppend(&text, "&port=", values["port"]);
  return text;
}

}  // namespace understudy
