// The options of constraint.proto, and values of message fields as text. The reader of experiment files, the validator
// and the list of keys are built from these functions, so they know no field by name.
//
// A message of configuration consists of text, booleans, numbers, lists of these, and further messages. Everything here
// is thread-safe, unless it changes its message.
#ifndef UNDERSTUDY_COMMON_CONFIG_FIELD_VALUE_H_
#define UNDERSTUDY_COMMON_CONFIG_FIELD_VALUE_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "understudy/v1/constraint.pb.h"

namespace understudy {

// Returns the field's constraint. It is empty if the field has none, and valid as long as the field's descriptor.
const v1::Constraint& ConstraintOf(const google::protobuf::FieldDescriptor& field);

// Says what one value of the field must be, for messages: "a number in (0, 1]", "one of tanh, relu", "a map".
std::string ExpectedValue(const google::protobuf::FieldDescriptor& field);

// Sets the field to the text's value, or appends the value if the field is a list. Returns false, and changes nothing,
// if the text does not fit the field's type: an integer out of the type's range, a number that is not finite, a boolean
// other than true and false.
bool SetFromText(google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field,
                 const std::string& text);

// Returns the field's value as SetFromText would take it. If the field is a list, returns its item `index`. A value
// that is a message gives an empty text.
std::string ValueText(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field,
                      int index);

// Compares that value with the field's constraint. Returns "found X, expected Y" if the value violates it. A value that
// is a message is not looked into.
std::optional<std::string> CheckValue(const google::protobuf::Message& message,
                                      const google::protobuf::FieldDescriptor& field, int index);

// A selected oneof is a oneof whose member another field selects (`selected_by` in constraint.proto). For example, a
// train stage's `algorithm` selects its hyper-parameters.

// Returns the selected oneof of a message type, or null if it has none.
const google::protobuf::OneofDescriptor* SelectedOneof(const google::protobuf::Descriptor& type);

// Returns the field that selects a member of the oneof.
const google::protobuf::FieldDescriptor& SelectorOf(const google::protobuf::OneofDescriptor& oneof);

// Returns the member that `value` selects, or null if it selects none.
const google::protobuf::FieldDescriptor* SelectedMember(const google::protobuf::OneofDescriptor& oneof,
                                                        std::string_view value);

// Returns the names of a oneof's members, in the order of the schema.
std::vector<std::string> MemberNames(const google::protobuf::OneofDescriptor& oneof);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_CONFIG_FIELD_VALUE_H_
