// Pieces of error messages: one line whatever a user or a peer wrote.
#ifndef UNDERSTUDY_COMMON_CONFIG_WORDING_H_
#define UNDERSTUDY_COMMON_CONFIG_WORDING_H_

#include <string>
#include <string_view>
#include <vector>

namespace understudy {

// Printable ASCII of at most about 80 characters: what is not printable is escaped, what is longer is cut.
std::string Printable(std::string_view text);

// Printable, in quotation marks.
std::string Quoted(std::string_view text);

// "one of a, b, c"; of a single name, the name.
std::string OneOf(const std::vector<std::string>& names);

// OneOf, with " (did you mean b?)" where `found` is within two typing mistakes of one of the names.
std::string OneOf(const std::vector<std::string>& names, std::string_view found);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_CONFIG_WORDING_H_
