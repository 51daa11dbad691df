#include "common/process/error_text.h"

namespace understudy {

std::string ErrorText(std::string_view text, size_t most) {
  text = text.substr(0, text.find('\n'));
  if (text.size() <= most) return std::string(text);
  size_t end = most;
  // Back to the first byte of a character.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end));
}

}  // namespace understudy
