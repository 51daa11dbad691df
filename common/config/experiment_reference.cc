#include "common/config/experiment_reference.h"

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/config/constraints.h"
#include "common/config/experiment_validation.h"
#include "common/config/field_value.h"
#include "common/environment/registry.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::OneofDescriptor;

std::string DefaultText(const FieldDescriptor& field) {
  const v1::Constraint& constraint = ConstraintOf(field);
  if (constraint.required()) return "required";
  const std::string& text = constraint.default_value();
  return field.is_repeated() && !text.empty() ? absl::StrCat("[", text, "]") : text;
}

// The words in lines of at most kWidth characters, each indented by six.
std::string Paragraph(const std::string& words) {
  constexpr size_t kWidth = 100;
  std::string text;
  std::string line = "     ";
  for (const std::string& word : std::vector<std::string>(absl::StrSplit(words, ' '))) {
    if (line.size() + 1 + word.size() > kWidth) {
      absl::StrAppend(&text, line, "\n");
      line = "     ";
    }
    absl::StrAppend(&line, " ", word);
  }
  return absl::StrCat(text, line, "\n");
}

std::string LinesOfKey(const FieldDescriptor& field) {
  const std::string expected = absl::StrCat(field.is_repeated() ? "a list, each " : "", ExpectedValue(field));
  return absl::StrFormat("  %-24s %-14s %s\n", field.name(), DefaultText(field), expected) +
         Paragraph(ConstraintOf(field).meaning());
}

std::string Section(const std::string& title, const Descriptor& type);

// Sections of the maps that are in this one, after its own.
std::string SectionsBelow(const std::string& title, const Descriptor& type) {
  std::string text;
  const OneofDescriptor* selected = SelectedOneof(type);
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const bool is_member = selected != nullptr && field.real_containing_oneof() == selected;
    const std::string heading =
        is_member ? absl::StrCat(title, ", besides, with ", SelectorOf(*selected).name(), ": ", field.name())
                  : ChildPath(title, absl::StrCat(field.name(), field.is_repeated() ? "[]" : ""));
    absl::StrAppend(&text, "\n", Section(heading, *field.message_type()));
  }
  return text;
}

std::string Section(const std::string& title, const Descriptor& type) {
  const OneofDescriptor* selected = SelectedOneof(type);
  const bool is_choice = selected == nullptr && type.real_oneof_decl_count() > 0;
  std::string text = title.empty() ? "" : absl::StrCat(title, is_choice ? ", one of these" : "", "\n");
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (selected == nullptr || field.real_containing_oneof() != selected) text += LinesOfKey(field);
  }
  return text + SectionsBelow(title, type);
}

}  // namespace

std::string ExperimentReference() {
  std::string text = Section("", *v1::ExperimentSpec::descriptor());
  absl::StrAppend(&text, "\nenvironment: ", absl::StrJoin(EnvironmentNames(), ", "), "\nstop.interval by default:");
  for (const AlgorithmRules& rules : AllAlgorithmRules()) {
    absl::StrAppend(&text, " ", std::string(rules.name), " ", rules.stop_interval);
  }
  return text + "\n";
}

}  // namespace understudy
