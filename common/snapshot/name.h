// Checks the names of policies, datasets, experiments and environments.
#ifndef UNDERSTUDY_COMMON_SNAPSHOT_NAME_H_
#define UNDERSTUDY_COMMON_SNAPSHOT_NAME_H_

#include <string_view>

namespace understudy {

// The rule that IsValidName checks, as messages show it.
inline constexpr char kNamePattern[] = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}";

// Says whether the text is a valid name. A valid name is safe in a file name, a URL, a log line and in NAME@VERSION.
bool IsValidName(std::string_view text);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SNAPSHOT_NAME_H_
