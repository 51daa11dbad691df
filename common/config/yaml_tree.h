// YAML text as a tree that remembers its lines. Only what configuration needs, and nothing that text can abuse: no
// anchors, aliases, tags or further documents; all sizes bounded.
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
  int line = 1;                 // of its key where it is in a map; from 1
  std::string key;              // where it is in a map
  std::string text;             // of a scalar, as written but for quotation marks and escapes
  bool quoted = false;          // such a scalar is text, whatever it looks like
  std::vector<YamlNode> items;  // of a list or map, in the order of the text; keys may repeat
};

inline constexpr size_t kMaxYamlBytes = size_t{1} << 20;
inline constexpr int kMaxYamlDepth = 16;
inline constexpr int kMaxYamlNodes = 100000;

// INVALID_ARGUMENT, one line: "FILE:LINE: …". An empty text is a node of kind kNothing.
absl::StatusOr<YamlNode> ParseYaml(std::string_view text, const std::string& file);

// The line of the node that a path such as "stages[1].train.clip" names, or of the nearest one around it. Items count
// from 1. Keys in paths are as in Printable (wording.h); of repeated keys the last counts.
int FindLine(const YamlNode& root, std::string_view path);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_CONFIG_YAML_TREE_H_
