#include "cli/list_command.h"

#include "absl/strings/str_replace.h"

namespace understudy {

void AddListOptions(CLI::App& command, ListOptions& options) { AddLimitOptions(command, options.limit, options.all); }

void JsonList::Add(const nlohmann::ordered_json& element) {
  console_.out << (empty_ ? "[\n  " : ",\n  ") << absl::StrReplaceAll(element.dump(2), {{"\n", "\n  "}});
  empty_ = false;
}

void JsonList::End() { console_.out << (empty_ ? "[]\n" : "\n]\n"); }

}  // namespace understudy
