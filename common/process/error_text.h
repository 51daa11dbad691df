// Error texts that are fit to be sent and shown.
#ifndef UNDERSTUDY_COMMON_PROCESS_ERROR_TEXT_H_
#define UNDERSTUDY_COMMON_PROCESS_ERROR_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace understudy {

// Longest error that a worker sends.
inline constexpr size_t kLongestErrorText = 2000;

// The first line of a text, at most `most` bytes of it. LibTorch's errors come with their whole stack; and what is cut
// in the middle of a UTF-8 character is no string to protobuf, which would refuse the message.
std::string ErrorText(std::string_view text, size_t most = kLongestErrorText);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_PROCESS_ERROR_TEXT_H_
