// Oneofs whose member another field selects (`selected_by` in constraint.proto), as a train stage's `algorithm` selects
// its hyper-parameters.
#ifndef UNDERSTUDY_COMMON_CONFIG_SELECTED_ONEOF_H_
#define UNDERSTUDY_COMMON_CONFIG_SELECTED_ONEOF_H_

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>
#include <vector>

namespace understudy {

// The oneof of a message type that has `selected_by`. Null: there is none.
const google::protobuf::OneofDescriptor* SelectedOneof(const google::protobuf::Descriptor& type);

// The field that selects its member.
const google::protobuf::FieldDescriptor& SelectorOf(const google::protobuf::OneofDescriptor& oneof);

// The member that `value` selects. Null: none.
const google::protobuf::FieldDescriptor* SelectedMember(const google::protobuf::OneofDescriptor& oneof,
                                                        std::string_view value);

// Names of a oneof's members, in the order of the schema.
std::vector<std::string> MemberNames(const google::protobuf::OneofDescriptor& oneof);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_CONFIG_SELECTED_ONEOF_H_
