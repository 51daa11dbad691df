#include "common/config/wording.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace understudy {
namespace {

constexpr size_t kMaxPrintedBytes = 64;
constexpr size_t kMaxMistakes = 2;

// Levenshtein distance, row by row.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string printable = absl::CHexEscape(absl::string_view(text.data(), std::min(text.size(), kMaxPrintedBytes)));
  if (text.size() > kMaxPrintedBytes) printable += "...";
  return printable;
}

std::string Quoted(std::string_view text) { return absl::StrCat("\"", Printable(text), "\""); }

std::string OneOf(const std::vector<std::string>& names) {
  return absl::StrCat(names.size() > 1 ? "one of " : "", absl::StrJoin(names, ", "));
}

std::string OneOf(const std::vector<std::string>& names, std::string_view found) {
  const std::string all = OneOf(names);
  if (found.size() > kMaxPrintedBytes) return all;
  size_t best = kMaxMistakes + 1;
  const std::string* nearest = nullptr;
  for (const std::string& name : names) {
    const size_t distance = EditDistance(found, name);
    // Two mistakes turn a short word into any other.
    if (distance >= best || 2 * distance > name.size()) continue;
    best = distance;
    nearest = &name;
  }
  return nearest == nullptr || names.size() < 2 ? all : absl::StrCat(all, " (did you mean ", *nearest, "?)");
}

}  // namespace understudy
