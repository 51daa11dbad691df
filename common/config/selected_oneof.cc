#include "common/config/selected_oneof.h"

#include "understudy/v1/constraint.pb.h"

namespace understudy {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::OneofDescriptor;

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
