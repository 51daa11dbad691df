// Values of message fields as text, by the field's type and its `constraint` option. Text, booleans and numbers are all
// that configuration consists of; other types have no text here.
#ifndef UNDERSTUDY_COMMON_CONFIG_FIELD_VALUE_H_
#define UNDERSTUDY_COMMON_CONFIG_FIELD_VALUE_H_

#include <google/protobuf/message.h>

#include <optional>
#include <string>

#include "understudy/v1/constraint.pb.h"

namespace understudy {

// The field's constraint; empty where it has none. Valid as long as the field's descriptor.
const v1::Constraint& ConstraintOf(const google::protobuf::FieldDescriptor& field);

// What one value of the field must be, for messages: "a number in (0, 1]", "one of tanh, relu", "a map".
std::string ExpectedValue(const google::protobuf::FieldDescriptor& field);

// Sets the field, or appends to it where it is a list. False, nothing changed: the text is not of the field's type (an
// integer out of the type's range, a number that is not finite, a boolean but for true and false).
bool SetFromText(google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field,
                 const std::string& text);

// The value of the field, or of its item `index` where it is a list, as SetFromText would take it.
std::string ValueText(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field,
                      int index);

// "found X, expected Y" where that value is not what the constraint asks for; nothing where it is. Names, numbers and
// texts; a message is not looked into.
std::optional<std::string> CheckValue(const google::protobuf::Message& message,
                                      const google::protobuf::FieldDescriptor& field, int index);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_CONFIG_FIELD_VALUE_H_
