// A YAML tree as a protobuf message, by reflection: maps are messages, lists are repeated fields, keys are field names.
#ifndef UNDERSTUDY_COMMON_CONFIG_YAML_MESSAGE_H_
#define UNDERSTUDY_COMMON_CONFIG_YAML_MESSAGE_H_

#include <google/protobuf/message.h>

#include <vector>

#include "common/config/constraints.h"
#include "common/config/yaml_tree.h"

namespace understudy {

// Sets in `message`, which is empty, what the tree holds. Strict: every key must be a field's, once, and every value of
// the field's type; what is not is a violation, in the order of the text, and is left out of the message. Bounds are
// not looked at here. The keys of a oneof member that a field selects (constraint.proto) stand among those of the
// message around it.
std::vector<Violation> ReadMessage(const YamlNode& root, google::protobuf::Message& message);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_CONFIG_YAML_MESSAGE_H_
