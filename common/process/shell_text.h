// Text that a user can paste into a shell.
#ifndef UNDERSTUDY_COMMON_PROCESS_SHELL_TEXT_H_
#define UNDERSTUDY_COMMON_PROCESS_SHELL_TEXT_H_

#include <string>
#include <string_view>

namespace understudy {

// `text` as one word for a POSIX shell: "data" stays as it is, "my data" becomes "'my data'". Text with control
// characters becomes $'…', which bash, zsh and ksh understand, so that it stays on one line. Every command that a
// program prints is to quote the paths, names and addresses in it with this.
std::string ShellQuoted(std::string_view text);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_PROCESS_SHELL_TEXT_H_
