#include "common/config/yaml_tree.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

using Kind = YamlNode::Kind;

YamlNode Parse(std::string_view text) {
  absl::StatusOr<YamlNode> tree = ParseYaml(text, "f.yaml");
  EXPECT_TRUE(tree.ok()) << tree.status();
  return tree.ok() ? *std::move(tree) : YamlNode();
}

std::string ErrorOf(std::string_view text) {
  const absl::StatusOr<YamlNode> tree = ParseYaml(text, "f.yaml");
  return tree.ok() ? "OK" : std::string(tree.status().message());
}

TEST(YamlTree, KeepsOrderLinesAndQuotationMarks) {
  const YamlNode root = Parse("a: 5\n\nb:\n  - '5'\n  - {c: ~}\n");
  ASSERT_EQ(root.kind, Kind::kMap);
  ASSERT_EQ(root.items.size(), 2);
  EXPECT_EQ(root.items[0].key, "a");
  EXPECT_EQ(root.items[0].text, "5");
  EXPECT_FALSE(root.items[0].quoted);
  const YamlNode& list = root.items[1];
  EXPECT_EQ(list.kind, Kind::kList);
  EXPECT_EQ(list.line, 3) << "the line of its key";
  ASSERT_EQ(list.items.size(), 2);
  EXPECT_EQ(list.items[0].line, 4);
  EXPECT_TRUE(list.items[0].quoted);
  EXPECT_EQ(list.items[1].items[0].kind, Kind::kNothing);
}

TEST(YamlTree, TakesAnEmptyTextAsNothing) {
  EXPECT_EQ(Parse("").kind, Kind::kNothing);
  EXPECT_EQ(Parse("# only a comment\n").kind, Kind::kNothing);
}

TEST(YamlTree, KeepsRepeatedKeys) { EXPECT_EQ(Parse("a: 1\na: 2\n").items.size(), 2); }

TEST(YamlTree, FindsTheLineOfAPathOrOfWhatIsAroundIt) {
  const YamlNode root = Parse("a:\n  - b: 1\n    c.d: 2\n    c: {e: 3}\n  - b: 4\n    b: 5\nf: 6\n");
  EXPECT_EQ(FindLine(root, ""), 1);
  EXPECT_EQ(FindLine(root, "a[1].b"), 2);
  EXPECT_EQ(FindLine(root, "a[1].c.d"), 3);
  EXPECT_EQ(FindLine(root, "a[1].c.e"), 4);
  EXPECT_EQ(FindLine(root, "a[1].c.absent[7].x"), 4);
  EXPECT_EQ(FindLine(root, "a[2].b"), 6) << "of repeated keys the last";
  EXPECT_EQ(FindLine(root, "a[3].b"), 1);
  EXPECT_EQ(FindLine(root, "f"), 7);
}

TEST(YamlTree, RefusesWhatConfigurationDoesNotNeed) {
  EXPECT_EQ(ErrorOf("a: 1\nb: &x 1\n"), "f.yaml:2: not valid YAML: found an anchor, expected none");
  EXPECT_EQ(ErrorOf("a: &x [1]\nb: [*x, *x]\n"), "f.yaml:1: not valid YAML: found an anchor, expected none");
  EXPECT_EQ(ErrorOf("a: !!int 5\n"), "f.yaml:1: not valid YAML: found a tag, expected none");
  EXPECT_EQ(ErrorOf("a: 1\n---\nb: 2\n"), "f.yaml:2: not valid YAML: found a second document, expected one");
  EXPECT_EQ(ErrorOf("{[a]: 1}"), "f.yaml:1: not valid YAML: found a key that is not text");
  EXPECT_EQ(ErrorOf("a: [1, 2\n"), "f.yaml:2: not valid YAML: end of sequence flow not found");
}

TEST(YamlTree, BoundsDepthSizeAndCount) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(ErrorOf(nested(16)), "OK");
  EXPECT_EQ(ErrorOf(nested(17)), "f.yaml:1: not valid YAML: found more than 16 levels");
  EXPECT_EQ(ErrorOf(std::string((1 << 20) - 1, '#') + "\n"), "OK");
  EXPECT_EQ(ErrorOf(std::string((1 << 20) + 1, '#')), "f.yaml:1: found 1048577 bytes, expected at most 1048576");
  std::string many;
  for (int i = 0; i < 100001; ++i) many += "- 1\n";
  EXPECT_EQ(ErrorOf(many), "f.yaml:100000: not valid YAML: found more than 100000 keys and values");
}

TEST(YamlTree, SurvivesTheLargestPathologicalTexts) {
  for (const std::string part :
       {"[", "{", "- ", "a: ", "? ", "'", "\"\\", "!", "&a ", "*a ", "|\n", "%", "\t", "{a: "}) {
    std::string text;
    while (text.size() + part.size() <= kMaxYamlBytes) text += part;
    const absl::StatusOr<YamlNode> tree = ParseYaml(text, "f.yaml");
    EXPECT_TRUE(tree.ok() ? tree->items.empty() : absl::IsInvalidArgument(tree.status())) << part;
  }
}

}  // namespace
}  // namespace understudy
