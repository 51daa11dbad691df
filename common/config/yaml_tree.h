// Parses YAML text into a tree that remembers its lines. It accepts only what configuration needs. Anchors, aliases,
// tags and further documents are refused, and all sizes have bounds, because the text may come from anybody.
#ifndef UNDERSTUDY_COMMON_CONFIG_YAML_TREE_H_
#define UNDERSTUDY_COMMON_CONFIG_YAML_TREE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace understudy {

struct YamlNode {
  enum class Kind { kNothing, kScalar, kList, kMap };

  Kind kind = Kind::kNothing;
  int line = 1;                 // counted from 1; in a map, the line of the key
  std::string key;              // only in a map
  std::string text;             // of a scalar: as written, without quotation marks, with escapes resolved
  bool quoted = false;          // the scalar is text, even if it looks like a number
  std::vector<YamlNode> items;  // of a list or map, in the order of the text; keys may repeat
};

inline constexpr size_t kMaxYamlBytes = size_t{1} << 20;
inline constexpr int kMaxYamlDepth = 16;
inline constexpr int kMaxYamlNodes = 100000;

// Parses the text. An empty text gives a node of kind kNothing.
// INVALID_ARGUMENT says in one line what is wrong: "FILE:LINE: …".
absl::StatusOr<YamlNode> ParseYaml(std::string_view text, const std::string& file);

// Returns the line of the node that a path such as "stages[1].train.clip" names; items count from 1. If there is no
// such node, returns the line of the nearest node around it. Keys in paths are written as Printable writes them
// (wording.h). If a key is repeated, the last one counts.
int FindLine(const YamlNode& root, std::string_view path);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_CONFIG_YAML_TREE_H_
