#include "cli/list_command.h"

#include "absl/strings/str_replace.h"

namespace understudy {

void AddListOptions(CLI::App& command, ListOptions& options) {
  CLI::Option* const limit = command.add_option("--limit", options.limit, "List at most this many")
                                 ->check(CLI::Range(int64_t{1}, int64_t{1'000'000'000}))
                                 ->capture_default_str();
  command.add_flag("--all", options.all, "List all of them, however many there are")->excludes(limit);
}

void JsonList::Add(const nlohmann::ordered_json& element) {
  console_.out << (empty_ ? "[\n  " : ",\n  ") << absl::StrReplaceAll(element.dump(2), {{"\n", "\n  "}});
  empty_ = false;
}

void JsonList::End() { console_.out << (empty_ ? "[]\n" : "\n]\n"); }

}  // namespace understudy
