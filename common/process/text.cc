#include "common/process/text.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace understudy {
namespace {

bool IsPlain(char c) { return absl::ascii_isalnum(c) || std::string_view("_@%+=:,./-").find(c) != std::string::npos; }

std::string QuotedWithEscapes(std::string_view text) {
  std::string quoted = "$'";
  for (const char c : text) {
    if (absl::ascii_iscntrl(c)) {
      absl::StrAppendFormat(&quoted, "\\x%02x", static_cast<unsigned char>(c));
    } else {
      if (c == '\'' || c == '\\') quoted += '\\';
      quoted += c;
    }
  }
  return quoted + "'";
}

}  // namespace

std::string ShellQuoted(std::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), IsPlain)) return std::string(text);
  if (std::any_of(text.begin(), text.end(), absl::ascii_iscntrl)) return QuotedWithEscapes(text);
  return absl::StrCat("'", absl::StrReplaceAll(std::string(text), {{"'", "'\\''"}}), "'");
}

std::string ErrorText(std::string_view text, size_t most) {
  text = text.substr(0, text.find('\n'));
  if (text.size() <= most) return std::string(text);
  size_t end = most;
  // Back to the first byte of a character.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end));
}

std::string CheckPath(const std::string& path) {
  if (!path.starts_with('~')) return "";
  return absl::StrCat("found '", path,
                      "', whose ~ the shell has not replaced: write $HOME instead, or a space instead of ",
                      "the = before it (./~ is a file of that name)");
}

std::string CountText(int64_t count) {
  const std::string digits = absl::StrCat(count);
  const size_t sign = count < 0 ? 1 : 0;
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > sign && (digits.size() - i) % 3 == 0) text.push_back(',');
    text.push_back(digits[i]);
  }
  return text;
}

std::string CountText(int64_t count, std::string_view noun, std::string_view plural) {
  const std::string number = CountText(count);
  if (count == 1) return number + " " + std::string(noun);
  return number + " " + (plural.empty() ? std::string(noun) + "s" : std::string(plural));
}

}  // namespace understudy
