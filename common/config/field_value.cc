#include "common/config/field_value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/config/wording.h"
#include "common/snapshot/policy_snapshot.h"

namespace understudy {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using google::protobuf::Reflection;

std::string NumberText(double value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  return std::string(digits, end);
}

bool IsInteger(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
      return true;
    default:
      return false;
  }
}

bool IsUnsigned(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_UINT32 || field.cpp_type() == FieldDescriptor::CPPTYPE_UINT64;
}

// All bounds of integers in use are exact as doubles.
std::string BoundText(const FieldDescriptor& field, double bound) {
  return IsInteger(field) ? absl::StrCat(static_cast<int64_t>(bound)) : NumberText(bound);
}

std::string ExpectedNumber(const FieldDescriptor& field) {
  const v1::Constraint& constraint = ConstraintOf(field);
  const std::string kind = IsInteger(field) ? "an integer" : "a number";
  const bool has_minimum = constraint.has_minimum() || IsUnsigned(field);
  if (has_minimum && constraint.has_maximum()) {
    return absl::StrCat(kind, " in ", constraint.exclusive_minimum() ? "(" : "[",
                        BoundText(field, constraint.minimum()), ", ", BoundText(field, constraint.maximum()),
                        constraint.exclusive_maximum() ? ")" : "]");
  }
  if (has_minimum) {
    return absl::StrCat(kind, constraint.exclusive_minimum() ? " above " : " of at least ",
                        BoundText(field, constraint.minimum()));
  }
  if (constraint.has_maximum()) {
    return absl::StrCat(kind, constraint.exclusive_maximum() ? " below " : " of at most ",
                        BoundText(field, constraint.maximum()));
  }
  return kind;
}

std::string ExpectedDuration(const v1::Constraint& constraint) {
  return absl::StrCat("a length of time from ", absl::FormatDuration(absl::Seconds(constraint.minimum())), " to ",
                      absl::FormatDuration(absl::Seconds(constraint.maximum())), ", like 5ms");
}

bool IsDurationInBounds(const v1::Constraint& constraint, const std::string& text) {
  absl::Duration duration;
  return absl::ParseDuration(text, &duration) && duration >= absl::Seconds(constraint.minimum()) &&
         duration <= absl::Seconds(constraint.maximum());
}

// Returns the texts that the field may have. Empty: it is not limited to a list of texts.
std::vector<std::string> AllowedTexts(const FieldDescriptor& field) {
  const OneofDescriptor* selected = SelectedOneof(*field.containing_type());
  if (selected != nullptr && &SelectorOf(*selected) == &field) return MemberNames(*selected);
  const auto& one_of = ConstraintOf(field).one_of();
  return {one_of.begin(), one_of.end()};
}

std::string ExpectedText(const FieldDescriptor& field) {
  const v1::Constraint& constraint = ConstraintOf(field);
  const std::vector<std::string> allowed = AllowedTexts(field);
  if (!allowed.empty()) return OneOf(allowed);
  if (constraint.is_name()) return absl::StrCat("a name ", kNamePattern);
  if (constraint.is_policy_reference()) return "NAME or NAME@VERSION";
  if (constraint.is_duration()) return ExpectedDuration(constraint);
  return constraint.expected().empty() ? "text" : constraint.expected();
}

std::optional<std::string> CheckText(const FieldDescriptor& field, const std::string& text) {
  const v1::Constraint& constraint = ConstraintOf(field);
  const std::vector<std::string> allowed = AllowedTexts(field);
  if (!allowed.empty()) {
    if (std::find(allowed.begin(), allowed.end(), text) != allowed.end()) return std::nullopt;
    return absl::StrCat("found ", Quoted(text), ", expected ", OneOf(allowed, text));
  }
  const bool refused = (constraint.is_name() && !IsValidName(text)) ||
                       (constraint.is_policy_reference() && !ParsePolicyReference(text).ok()) ||
                       (constraint.is_duration() && !IsDurationInBounds(constraint, text));
  if (!refused) return std::nullopt;
  return absl::StrCat("found ", Quoted(text), ", expected ", ExpectedText(field));
}

bool IsInBounds(const v1::Constraint& constraint, double value) {
  if (!std::isfinite(value)) return false;
  if (constraint.has_minimum() &&
      (value < constraint.minimum() || (constraint.exclusive_minimum() && value == constraint.minimum()))) {
    return false;
  }
  return !constraint.has_maximum() || value < constraint.maximum() ||
         (!constraint.exclusive_maximum() && value == constraint.maximum());
}

}  // namespace

const v1::Constraint& ConstraintOf(const FieldDescriptor& field) {
  return field.options().GetExtension(v1::constraint);
}

std::string ExpectedValue(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return "true or false";
    case FieldDescriptor::CPPTYPE_STRING:
      return ExpectedText(field);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return "a map";
    default:
      return ExpectedNumber(field);
  }
}

bool SetFromText(Message& message, const FieldDescriptor& field, const std::string& text) {
  const Reflection& reflection = *message.GetReflection();
  // Parses, then sets or appends through the pair of Reflection's functions of that type.
  const auto store = [&](auto value, auto parse, auto set, auto add) {
    if (!parse(text, &value)) return false;
    field.is_repeated() ? (reflection.*add)(&message, &field, value) : (reflection.*set)(&message, &field, value);
    return true;
  };
  const auto parse_integer = [](const std::string& from, auto* value) { return absl::SimpleAtoi(from, value); };
  const auto parse_number = [](const std::string& from, double* value) {
    return absl::SimpleAtod(from, value) && std::isfinite(*value);
  };
  const auto parse_bool = [](const std::string& from, bool* value) {
    *value = from == "true";
    return *value || from == "false";
  };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return store(int32_t{0}, parse_integer, &Reflection::SetInt32, &Reflection::AddInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return store(int64_t{0}, parse_integer, &Reflection::SetInt64, &Reflection::AddInt64);
    case FieldDescriptor::CPPTYPE_UINT32:
      return store(uint32_t{0}, parse_integer, &Reflection::SetUInt32, &Reflection::AddUInt32);
    case FieldDescriptor::CPPTYPE_UINT64:
      return store(uint64_t{0}, parse_integer, &Reflection::SetUInt64, &Reflection::AddUInt64);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return store(0.0, parse_number, &Reflection::SetDouble, &Reflection::AddDouble);
    case FieldDescriptor::CPPTYPE_BOOL:
      return store(false, parse_bool, &Reflection::SetBool, &Reflection::AddBool);
    case FieldDescriptor::CPPTYPE_STRING:
      field.is_repeated() ? reflection.AddString(&message, &field, text) : reflection.SetString(&message, &field, text);
      return true;
    default:
      return false;
  }
}

std::string ValueText(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& reflection = *message.GetReflection();
  const auto load = [&](auto get, auto get_item) {
    return field.is_repeated() ? (reflection.*get_item)(message, &field, index) : (reflection.*get)(message, &field);
  };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(load(&Reflection::GetInt32, &Reflection::GetRepeatedInt32));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(load(&Reflection::GetInt64, &Reflection::GetRepeatedInt64));
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(load(&Reflection::GetUInt32, &Reflection::GetRepeatedUInt32));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(load(&Reflection::GetUInt64, &Reflection::GetRepeatedUInt64));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return NumberText(load(&Reflection::GetDouble, &Reflection::GetRepeatedDouble));
    case FieldDescriptor::CPPTYPE_BOOL:
      return load(&Reflection::GetBool, &Reflection::GetRepeatedBool) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_STRING:
      return load(&Reflection::GetString, &Reflection::GetRepeatedString);
    default:
      return "";
  }
}

std::optional<std::string> CheckValue(const Message& message, const FieldDescriptor& field, int index) {
  const std::string text = ValueText(message, field, index);
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) return CheckText(field, text);
  if (!IsInteger(field) && field.cpp_type() != FieldDescriptor::CPPTYPE_DOUBLE) return std::nullopt;
  double value = std::numeric_limits<double>::quiet_NaN();
  if (absl::SimpleAtod(text, &value) && IsInBounds(ConstraintOf(field), value)) return std::nullopt;
  return absl::StrCat("found ", text, ", expected ", ExpectedNumber(field));
}

const OneofDescriptor* SelectedOneof(const Descriptor& type) {
  for (int i = 0; i < type.real_oneof_decl_count(); ++i) {
    const OneofDescriptor* oneof = type.oneof_decl(i);
    if (!oneof->options().GetExtension(v1::choice).selected_by().empty()) return oneof;
  }
  return nullptr;
}

const FieldDescriptor& SelectorOf(const OneofDescriptor& oneof) {
  return *oneof.containing_type()->FindFieldByName(oneof.options().GetExtension(v1::choice).selected_by());
}

const FieldDescriptor* SelectedMember(const OneofDescriptor& oneof, std::string_view value) {
  for (int i = 0; i < oneof.field_count(); ++i) {
    if (oneof.field(i)->name() == value) return oneof.field(i);
  }
  return nullptr;
}

std::vector<std::string> MemberNames(const OneofDescriptor& oneof) {
  std::vector<std::string> names;
  for (int i = 0; i < oneof.field_count(); ++i) names.push_back(oneof.field(i)->name());
  return names;
}

}  // namespace understudy
