#include "cli/line_reader.h"

#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

namespace understudy {
namespace {

constexpr size_t kMaxReadBytes = 1 << 20;

}  // namespace

std::vector<std::string> LineReader::Read(int fd) {
  std::vector<std::string> lines;
  const auto finish = [&] { lines.push_back(std::exchange(unfinished_, "")); };
  char buffer[4096];
  // More than a pipe holds, but not for ever: whoever writes without end must not keep us here.
  for (size_t left = kMaxReadBytes; !ended_ && left > 0; left -= sizeof(buffer)) {
    const ssize_t size = read(fd, buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) break;
    ended_ = size <= 0;
    for (const char byte : std::string_view(buffer, ended_ ? 0 : size)) {
      if (byte == '\n' || unfinished_.size() == kMaxLineBytes) finish();
      if (byte != '\n') unfinished_.push_back(byte);
    }
  }
  if (ended_ && !unfinished_.empty()) finish();
  return lines;
}

}  // namespace understudy
