// Turns a YAML tree into a protobuf message, by reflection. A map becomes a message, a list a repeated field, and a key
// names a field.
#ifndef UNDERSTUDY_COMMON_CONFIG_YAML_MESSAGE_H_
#define UNDERSTUDY_COMMON_CONFIG_YAML_MESSAGE_H_

#include <google/protobuf/message.h>

#include <vector>

#include "common/config/constraints.h"
#include "common/config/yaml_tree.h"

namespace understudy {

// Sets the tree's values in `message`, which must be empty. Returns the violations, in the order of the text, and
// leaves their values out of the message. A key is a violation if it names no field or occurs twice; a value is one if
// it does not fit the field's type. Bounds are not checked here. The keys of a selected member (field_value.h) stand
// among those of the enclosing message.
std::vector<Violation> ReadMessage(const YamlNode& root, google::protobuf::Message& message);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_CONFIG_YAML_MESSAGE_H_
