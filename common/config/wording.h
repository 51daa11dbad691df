// Makes pieces of error messages from foreign text. The result is always short and on one line.
#ifndef UNDERSTUDY_COMMON_CONFIG_WORDING_H_
#define UNDERSTUDY_COMMON_CONFIG_WORDING_H_

#include <string>
#include <string_view>
#include <vector>

namespace understudy {

// Returns the text as printable ASCII: other bytes are escaped, and everything after 64 bytes is cut off.
std::string Printable(std::string_view text);

// Returns Printable(text) in quotation marks.
std::string Quoted(std::string_view text);

// Returns "one of a, b, c", or the name if there is only one.
std::string OneOf(const std::vector<std::string>& names);

// Returns OneOf(names). It adds " (did you mean b?)" if `found` is within two typing mistakes of a name.
std::string OneOf(const std::vector<std::string>& names, std::string_view found);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_CONFIG_WORDING_H_
