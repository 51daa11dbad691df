// Lines from a non-blocking file descriptor.
#ifndef UNDERSTUDY_CLI_LINE_READER_H_
#define UNDERSTUDY_CLI_LINE_READER_H_

#include <string>
#include <vector>

namespace understudy {

// Thread-compatible.
class LineReader {
 public:
  // Longer lines come in pieces of this size.
  static constexpr size_t kMaxLineBytes = 16 << 10;

  // The lines, without their ends, that can be read without waiting. At the end of the stream the unfinished line is
  // one too, and ended() is true from then on.
  std::vector<std::string> Read(int fd);

  bool ended() const { return ended_; }

 private:
  std::string unfinished_;
  bool ended_ = false;
};

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_LINE_READER_H_
