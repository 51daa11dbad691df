// What policies, datasets, experiments and environments may be called.
#ifndef UNDERSTUDY_COMMON_SNAPSHOT_NAME_H_
#define UNDERSTUDY_COMMON_SNAPSHOT_NAME_H_

#include <string_view>

namespace understudy {

// The rule of IsValidName, for messages.
inline constexpr char kNamePattern[] = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}";

// Such a name is safe in a file name, a URL, a log line and NAME@VERSION.
bool IsValidName(std::string_view text);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SNAPSHOT_NAME_H_
