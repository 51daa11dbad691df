// Reads the lists of the `list` commands page by page, and prints as much of them as was asked for.
#ifndef UNDERSTUDY_CLI_LIST_COMMAND_H_
#define UNDERSTUDY_CLI_LIST_COMMAND_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "cli/commands.h"
#include "cli/connection.h"
#include "cli/console.h"

namespace understudy {

struct ListOptions : ClientOptions {
  int64_t limit = 100;
  bool all = false;
};

// Adds --limit and --all.
void AddListOptions(CLI::App& command, ListOptions& options);

// Prints a JSON array an element at a time, in the form in which PrintJson would print the whole.
class JsonList {
 public:
  explicit JsonList(const Console& console) : console_(console) {}
  void Add(const nlohmann::ordered_json& element);
  void End();

 private:
  const Console& console_;
  bool empty_ = true;
};

// Reads a list: calls `method` of `stub` for page after page. Calls `visit` with each item of `items` (a field of the
// response, by its mutable accessor) until it returns false.
// Errors: the first call's that fails.
template <typename Stub, typename Request, typename Response, typename Items, typename Visit>
absl::Status ReadList(const Connection& connection,
                      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), Stub& stub,
                      Request request, Items* (Response::*items)(), const Visit& visit) {
  constexpr int kItemsAtATime = 1000;
  if (request.page_size() == 0) request.set_page_size(kItemsAtATime);
  do {
    absl::StatusOr<Response> response = connection.Quick(method, stub, request);
    if (!response.ok()) return response.status();
    for (auto& item : *((*response).*items)()) {
      if (!visit(std::move(item))) return absl::OkStatus();
    }
    request.set_page_token(response->next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

// Reads a list as ReadList does, and prints as many of its first items as the options allow: `json(item)` as JSON, or
// `table(items)`. `plural` names the items. If there are more, a line on standard error says so.
template <typename Stub, typename Request, typename Response, typename Item, template <typename> typename Repeated,
          typename ToJson, typename ToTable>
absl::Status PrintList(const ListOptions& options, const Console& console, const std::string& plural,
                       const Connection& connection,
                       grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), Stub& stub,
                       Request request, Repeated<Item>* (Response::*items)(), const ToJson& json,
                       const ToTable& table) {
  constexpr int64_t kMostAtATime = 1000;
  const int64_t limit = options.all ? std::numeric_limits<int64_t>::max() - 1 : options.limit;
  request.set_page_size(static_cast<int32_t>(std::min(limit + 1, kMostAtATime)));
  JsonList list(console);
  std::vector<Item> rows;
  int64_t count = 0;
  const absl::Status status = ReadList(connection, method, stub, request, items, [&](Item item) {
    if (count++ == limit) return false;
    if (options.json) {
      list.Add(json(item));
    } else {
      rows.push_back(std::move(item));
    }
    return true;
  });
  if (!status.ok()) return status;
  if (options.json) {
    list.End();
  } else if (rows.empty()) {
    console.out << "no " << plural << '\n';
  } else {
    console.out << table(rows);
  }
  if (count > limit) {
    console.out.flush();
    console.err << "understudy: there are more than these " << limit << " " << plural << "; --all lists them all"
                << std::endl;
  }
  return absl::OkStatus();
}

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_LIST_COMMAND_H_
