// Pieces of the text that programs print and send for people: errors, words for a shell, counts.
#ifndef UNDERSTUDY_COMMON_PROCESS_TEXT_H_
#define UNDERSTUDY_COMMON_PROCESS_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace understudy {

// The longest error that a worker sends, in bytes.
inline constexpr size_t kLongestErrorText = 2000;

// Returns the first line of an error, at most `most` bytes of it, cut between characters. LibTorch's errors come with
// their whole stack, and protobuf refuses a string that is cut in the middle of a UTF-8 character.
std::string ErrorText(std::string_view text, size_t most = kLongestErrorText);

// Returns `text` as one word for a POSIX shell: "data" stays as it is, "my data" becomes "'my data'". Text with control
// characters becomes $'…', which bash, zsh and ksh understand, so that it stays on one line. Use this for the paths,
// names and addresses in every command that a program prints.
std::string ShellQuoted(std::string_view text);

// Returns what is wrong with a path that a user has given, or "" if nothing is, as CLI11's check() wants it. A shell
// replaces the ~ of `--opt ~/x`, but not the one of `--opt=~/x`, which would make a directory called ~.
std::string CheckPath(const std::string& path);

// Formats a count: "1,234,567".
std::string CountText(int64_t count);

// Formats a count of things: "1 episode", "1,234 episodes". `plural` is the noun with an s unless given.
std::string CountText(int64_t count, std::string_view noun, std::string_view plural = "");

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_PROCESS_TEXT_H_
