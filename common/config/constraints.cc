#include "common/config/constraints.h"

#include <google/protobuf/descriptor.h>

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/config/field_value.h"
#include "common/config/wording.h"

namespace understudy {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using google::protobuf::Reflection;

constexpr int kDefaultMaxItems = 1000;

const v1::Choice& ChoiceOf(const OneofDescriptor& oneof) { return oneof.options().GetExtension(v1::choice); }

// The member that the message's own selector asks for.
const FieldDescriptor* SelectedMemberOf(const Message& message, const OneofDescriptor& oneof) {
  return SelectedMember(oneof, message.GetReflection()->GetString(message, &SelectorOf(oneof)));
}

bool IsAbsent(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  return field.is_repeated() ? reflection.FieldSize(message, &field) == 0 : !reflection.HasField(message, &field);
}

void SetDefaultValue(Message& message, const FieldDescriptor& field) {
  const std::string& text = ConstraintOf(field).default_value();
  if (text.empty() || !IsAbsent(message, field)) return;
  if (!field.is_repeated()) {
    SetFromText(message, field, text);
    return;
  }
  for (const std::string& item : std::vector<std::string>(absl::StrSplit(text, ','))) {
    SetFromText(message, field, item);
  }
}

class ConstraintChecker {
 public:
  void CheckMessage(const Message& message, const std::string& path) {
    const Descriptor& type = *message.GetDescriptor();
    for (int i = 0; i < type.real_oneof_decl_count(); ++i) CheckOneof(message, *type.oneof_decl(i), path);
    for (int i = 0; i < type.field_count(); ++i) CheckField(message, *type.field(i), path);
  }

  std::vector<Violation> Take() { return std::move(violations_); }

 private:
  void CheckOneof(const Message& message, const OneofDescriptor& oneof, const std::string& path) {
    const FieldDescriptor* set = message.GetReflection()->GetOneofFieldDescriptor(message, &oneof);
    const v1::Choice& choice = ChoiceOf(oneof);
    if (choice.required() && set == nullptr) {
      AddViolation(violations_, path, absl::StrCat("found nothing, expected ", OneOf(MemberNames(oneof))));
    }
    if (choice.selected_by().empty()) return;
    const FieldDescriptor* selected = SelectedMemberOf(message, oneof);
    // A selector that selects nothing is a violation of its own.
    if (selected == nullptr || selected == set) return;
    AddViolation(violations_, ChildPath(path, oneof.name()),
                 absl::StrCat("found ", set == nullptr ? "nothing" : set->name(), ", expected ", selected->name()));
  }

  void CheckField(const Message& message, const FieldDescriptor& field, const std::string& parent) {
    const OneofDescriptor* oneof = field.real_containing_oneof();
    const bool is_selected_member = oneof != nullptr && !ChoiceOf(*oneof).selected_by().empty();
    const std::string path = is_selected_member ? parent : ChildPath(parent, field.name());
    if (IsAbsent(message, field)) {
      const v1::Constraint& constraint = ConstraintOf(field);
      if (!constraint.required() && constraint.default_value().empty()) return;
      const std::string expected = field.is_repeated() ? "a list of at least one item" : ExpectedValue(field);
      AddViolation(violations_, path, absl::StrCat("found nothing, expected ", expected));
    } else if (field.is_repeated()) {
      CheckList(message, field, path);
    } else {
      CheckItem(message, field, 0, path);
    }
  }

  void CheckList(const Message& message, const FieldDescriptor& field, const std::string& path) {
    const int size = message.GetReflection()->FieldSize(message, &field);
    const v1::Constraint& constraint = ConstraintOf(field);
    const int limit = constraint.max_items() > 0 ? static_cast<int>(constraint.max_items()) : kDefaultMaxItems;
    if (size > limit) {
      AddViolation(violations_, path, absl::StrCat("found ", size, " items, expected at most ", limit));
      return;
    }
    for (int i = 0; i < size; ++i) CheckItem(message, field, i, ItemPath(path, i));
  }

  void CheckItem(const Message& message, const FieldDescriptor& field, int index, const std::string& path) {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      const Reflection& reflection = *message.GetReflection();
      CheckMessage(field.is_repeated() ? reflection.GetRepeatedMessage(message, &field, index)
                                       : reflection.GetMessage(message, &field),
                   path);
    } else if (std::optional<std::string> problem = CheckValue(message, field, index)) {
      AddViolation(violations_, path, *std::move(problem));
    }
  }

  std::vector<Violation> violations_;
};

}  // namespace

void AddViolation(std::vector<Violation>& violations, std::string path, std::string message) {
  if (violations.size() < kMaxViolations) violations.push_back({std::move(path), std::move(message)});
}

std::string ChildPath(const std::string& parent, const std::string& name) {
  return parent.empty() ? name : absl::StrCat(parent, ".", name);
}

std::string ItemPath(const std::string& parent, int index) { return absl::StrCat(parent, "[", index + 1, "]"); }

void SetDefaultValues(Message& message) {
  const Descriptor& type = *message.GetDescriptor();
  const Reflection& reflection = *message.GetReflection();
  const OneofDescriptor* oneof = SelectedOneof(type);
  if (oneof != nullptr && !reflection.HasOneof(message, oneof)) {
    const FieldDescriptor* member = SelectedMemberOf(message, *oneof);
    if (member != nullptr) reflection.MutableMessage(&message, member);
  }
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      SetDefaultValue(message, field);
    } else if (field.is_repeated()) {
      for (int item = 0; item < reflection.FieldSize(message, &field); ++item) {
        SetDefaultValues(*reflection.MutableRepeatedMessage(&message, &field, item));
      }
    } else if (reflection.HasField(message, &field)) {
      SetDefaultValues(*reflection.MutableMessage(&message, &field));
    }
  }
}

std::vector<Violation> FindConstraintViolations(const Message& message) {
  ConstraintChecker checker;
  checker.CheckMessage(message, "");
  return checker.Take();
}

}  // namespace understudy
