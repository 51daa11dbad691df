#include "common/process/shell_text.h"

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

}  // namespace understudy
