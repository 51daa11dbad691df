#include "common/config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/config/wording.h"

namespace understudy {
namespace {

// Builds the tree from yaml-cpp's events, which, unlike its own tree, show anchors and repeated keys. Refuses by
// yaml-cpp's own exception: it is what stops its parser, and ParseYaml catches it together with the parser's.
class TreeBuilder : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) throw YAML::ParserException(mark, "found a second document, expected one");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(mark, "", anchor, YamlNode::Kind::kNothing);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw YAML::ParserException(mark, "found an alias, expected none");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (!open_.empty() && open_.back()->kind == YamlNode::Kind::kMap && !has_key_) {
      Check(mark, tag, anchor);
      key_ = value;
      key_line_ = mark.line + 1;
      has_key_ = true;
    } else {
      YamlNode& scalar = Add(mark, tag, anchor, YamlNode::Kind::kScalar);
      scalar.text = value;
      scalar.quoted = tag == "!";
    }
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, YamlNode::Kind::kList);
  }
  void OnSequenceEnd() override { open_.pop_back(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, YamlNode::Kind::kMap);
  }
  void OnMapEnd() override { open_.pop_back(); }

  YamlNode Take() { return std::move(root_); }

 private:
  void Check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0) throw YAML::ParserException(mark, "found an anchor, expected none");
    // "?" and "!" are how the parser marks plain and quoted scalars.
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw YAML::ParserException(mark, "found a tag, expected none");
    }
    if (++nodes_ > kMaxYamlNodes) {
      throw YAML::ParserException(mark, absl::StrCat("found more than ", kMaxYamlNodes, " keys and values"));
    }
  }

  YamlNode& Add(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YamlNode::Kind kind) {
    Check(mark, tag, anchor);
    // Pointers to open nodes stay valid: a list grows only while none of its items is open.
    YamlNode& node = open_.empty() ? root_ : open_.back()->items.emplace_back();
    node.kind = kind;
    node.line = mark.line + 1;
    if (!open_.empty() && open_.back()->kind == YamlNode::Kind::kMap) {
      if (!has_key_) throw YAML::ParserException(mark, "found a key that is not text");
      node.key = std::exchange(key_, "");
      node.line = key_line_;
      has_key_ = false;
    }
    return node;
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YamlNode::Kind kind) {
    if (open_.size() >= kMaxYamlDepth) {
      throw YAML::ParserException(mark, absl::StrCat("found more than ", kMaxYamlDepth, " levels"));
    }
    open_.push_back(&Add(mark, tag, anchor, kind));
  }

  YamlNode root_;
  std::vector<YamlNode*> open_;  // lists and maps that have not ended, outermost first
  bool has_key_ = false;         // the innermost open map has read a key, and its value comes next
  std::string key_;
  int key_line_ = 0;
  int documents_ = 0;
  int nodes_ = 0;
};

// Takes `prefix` off the front of `text`.
bool Consume(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

absl::StatusOr<YamlNode> ParseYaml(std::string_view text, const std::string& file) {
  if (text.size() > kMaxYamlBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ":1: found ", text.size(), " bytes, expected at most ", kMaxYamlBytes));
  }
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder builder;
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.Take();
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ":", std::max(error.mark.line, 0) + 1, ": not valid YAML: ", Printable(error.msg)));
  }
}

int FindLine(const YamlNode& root, std::string_view path) {
  int line = root.line;
  size_t longest = 0;  // keys may hold dots: the longest that matches is meant
  for (size_t i = 0; i < root.items.size(); ++i) {
    const YamlNode& item = root.items[i];
    std::string_view rest = path;
    Consume(rest, ".");
    const std::string name = root.kind == YamlNode::Kind::kMap ? Printable(item.key) : absl::StrCat("[", i + 1, "]");
    if (name.size() < longest || !Consume(rest, name)) continue;
    if (!rest.empty() && rest.front() != '.' && rest.front() != '[') continue;
    longest = name.size();
    line = FindLine(item, rest);
  }
  return line;
}

}  // namespace understudy
