#include "common/config/experiment_file.h"

#include <google/protobuf/descriptor.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config/experiment_validation.h"
#include "common/config/field_value.h"
#include "common/config/wording.h"

namespace understudy {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using google::protobuf::Reflection;
using Kind = YamlNode::Kind;

std::string FoundText(const YamlNode& node) {
  switch (node.kind) {
    case Kind::kNothing:
      return "nothing";
    case Kind::kList:
      return node.items.empty() ? "an empty list" : "a list";
    case Kind::kMap:
      return "a map";
    case Kind::kScalar:
      break;
  }
  double number = 0;
  const bool is_number = !node.quoted && absl::SimpleAtod(node.text, &number);
  return is_number ? Printable(node.text) : Quoted(node.text);
}

// The field that a key of this message names; the members of a selected oneof have no key.
const FieldDescriptor* FindKey(const Descriptor& type, const std::string& key) {
  const FieldDescriptor* field = type.FindFieldByName(key);
  const bool is_key = field != nullptr && (field->real_containing_oneof() == nullptr ||
                                           field->real_containing_oneof() != SelectedOneof(type));
  return is_key ? field : nullptr;
}

void AppendKeys(const Descriptor& type, std::vector<std::string>& keys) {
  for (int i = 0; i < type.field_count(); ++i) {
    if (FindKey(type, type.field(i)->name()) != nullptr) keys.push_back(type.field(i)->name());
  }
}

std::string_view ScalarAt(const YamlNode& map, std::string_view key) {
  for (const YamlNode& item : map.items) {
    if (item.key == key && item.kind == Kind::kScalar) return item.text;
  }
  return "";
}

class MessageReader {
 public:
  void ReadMap(const YamlNode& node, const std::string& path, Message& message) {
    if (node.kind != Kind::kMap) return Refuse(node, path, "a map");
    const Descriptor& type = *message.GetDescriptor();
    const OneofDescriptor* oneof = SelectedOneof(type);
    const FieldDescriptor* selected =
        oneof == nullptr ? nullptr : SelectedMember(*oneof, ScalarAt(node, SelectorOf(*oneof).name()));
    Message* member = selected == nullptr ? nullptr : message.GetReflection()->MutableMessage(&message, selected);
    std::set<std::string_view> seen;
    for (const YamlNode& item : node.items) {
      const std::string item_path = ChildPath(path, Printable(item.key));
      if (!seen.insert(item.key).second) {
        AddViolation(violations_, item_path, "found a second time, expected once");
      } else if (const FieldDescriptor* field = FindKey(type, item.key)) {
        ReadField(item, item_path, message, *field);
      } else if (const FieldDescriptor* option = selected ? FindKey(*selected->message_type(), item.key) : nullptr) {
        ReadField(item, item_path, *member, *option);
      } else {
        RefuseKey(item, item_path, type, selected);
      }
    }
  }

  std::vector<Violation> Take() { return std::move(violations_); }

 private:
  void Refuse(const YamlNode& node, const std::string& path, const std::string& expected) {
    AddViolation(violations_, path, absl::StrCat("found ", FoundText(node), ", expected ", expected));
  }

  void RefuseKey(const YamlNode& node, const std::string& path, const Descriptor& type,
                 const FieldDescriptor* selected) {
    std::vector<std::string> keys;
    AppendKeys(type, keys);
    if (selected != nullptr) AppendKeys(*selected->message_type(), keys);
    const OneofDescriptor* oneof = SelectedOneof(type);
    for (int i = 0; oneof != nullptr && i < oneof->field_count(); ++i) {
      if (FindKey(*oneof->field(i)->message_type(), node.key) == nullptr) continue;
      // While nothing valid is selected, that is what is wrong, and the validator says so.
      if (selected == nullptr) return;
      return AddViolation(violations_, path,
                          absl::StrCat("found a key of ", SelectorOf(*oneof).name(), " ", oneof->field(i)->name(),
                                       ", expected one of ", selected->name(), ": ", absl::StrJoin(keys, ", ")));
    }
    AddViolation(violations_, path, absl::StrCat("found an unknown key, expected ", OneOf(keys, node.key)));
  }

  void ReadField(const YamlNode& node, const std::string& path, Message& message, const FieldDescriptor& field) {
    const Reflection& reflection = *message.GetReflection();
    const OneofDescriptor* oneof = field.real_containing_oneof();
    if (oneof != nullptr && reflection.HasOneof(message, oneof)) {
      const std::string& other = reflection.GetOneofFieldDescriptor(message, oneof)->name();
      return AddViolation(violations_, path, absl::StrCat("found beside ", other, ", expected one of the two"));
    }
    if (field.is_repeated()) return ReadList(node, path, message, field);
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      return ReadMap(node, path, *reflection.MutableMessage(&message, &field));
    }
    ReadScalar(node, path, message, field);
  }

  void ReadList(const YamlNode& node, const std::string& path, Message& message, const FieldDescriptor& field) {
    if (node.kind != Kind::kList) return Refuse(node, path, "a list");
    const v1::Constraint& constraint = ConstraintOf(field);
    // A message cannot tell an empty list from none, which would get the default.
    if (node.items.empty() && (constraint.required() || !constraint.default_value().empty())) {
      return Refuse(node, path, "at least one item");
    }
    for (size_t i = 0; i < node.items.size(); ++i) {
      const std::string item_path = ItemPath(path, static_cast<int>(i));
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        ReadMap(node.items[i], item_path, *message.GetReflection()->AddMessage(&message, &field));
      } else {
        ReadScalar(node.items[i], item_path, message, field);
      }
    }
  }

  void ReadScalar(const YamlNode& node, const std::string& path, Message& message, const FieldDescriptor& field) {
    const bool is_text = field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
    if (node.kind != Kind::kScalar || (node.quoted && !is_text) || !SetFromText(message, field, node.text)) {
      Refuse(node, path, ExpectedValue(field));
    }
  }

  std::vector<Violation> violations_;
};

absl::Status FirstOf(const std::vector<Violation>& violations, const YamlNode& root, const std::string& file) {
  if (violations.empty()) return absl::OkStatus();
  const Violation& first = violations.front();
  return absl::InvalidArgumentError(absl::StrCat(file, ":", FindLine(root, first.path), ": ", first.path,
                                                 first.path.empty() ? "" : ": ", first.message));
}

}  // namespace

absl::StatusOr<v1::ExperimentSpec> LoadExperimentFile(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    return absl::NotFoundError(absl::StrCat(path, ": found no such file, expected an experiment in YAML"));
  }
  if (std::filesystem::is_directory(status)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": found a directory, expected an experiment in YAML"));
  }
  std::ifstream stream(path, std::ios::binary);
  // One byte more than is allowed is enough to refuse it, however long the file (or pipe) is.
  std::string text(kMaxYamlBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad() || (stream.fail() && !stream.eof())) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": cannot be read"));
  }
  text.resize(static_cast<size_t>(stream.gcount()));
  return ParseExperiment(text, path);
}

absl::StatusOr<v1::ExperimentSpec> ParseExperiment(std::string_view text, const std::string& file) {
  const absl::StatusOr<YamlNode> root = ParseYaml(text, file);
  if (!root.ok()) return root.status();
  v1::ExperimentSpec experiment;
  absl::Status status = FirstOf(ReadMessage(*root, experiment), *root, file);
  if (!status.ok()) return status;
  FillInDefaults(experiment);
  status = FirstOf(FindViolations(experiment), *root, file);
  if (!status.ok()) return status;
  return experiment;
}

std::vector<Violation> ReadMessage(const YamlNode& root, Message& message) {
  MessageReader reader;
  reader.ReadMap(root, "", message);
  return reader.Take();
}

}  // namespace understudy
