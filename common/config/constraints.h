// Checks any message against the options of constraint.proto, and fills in defaults. This is the generic half of
// validation; experiment_validation.h has the rules that concern experiments.
#ifndef UNDERSTUDY_COMMON_CONFIG_CONSTRAINTS_H_
#define UNDERSTUDY_COMMON_CONFIG_CONSTRAINTS_H_

#include <google/protobuf/message.h>

#include <string>
#include <vector>

namespace understudy {

// One thing that is wrong. `path` says where: "stages[1].train.clip" is in the first stage. `message` says what: "found
// -1, expected a number in (0, 1]".
struct Violation {
  std::string path;
  std::string message;
};

// No more violations than this are collected. People mend the first few anyway, and a peer cannot make the list grow.
inline constexpr size_t kMaxViolations = 20;

// Appends a violation if there is room.
void AddViolation(std::vector<Violation>& violations, std::string path, std::string message);

// Returns "parent.name", or the name alone if the parent is the message itself ("").
std::string ChildPath(const std::string& parent, const std::string& name);
// Returns "parent[1]" for index 0, because users count from 1 everywhere.
std::string ItemPath(const std::string& parent, int index);

// Fills in the defaults of the message and of all messages inside it. It sets every absent field and empty list that
// has a default. In every selected oneof without a member it sets the selected one. Absent messages stay absent. A
// second call changes nothing.
void SetDefaultValues(google::protobuf::Message& message);

// Returns the violations in the message and in all messages inside it: values outside their bounds, absent fields that
// are required or have a default, and oneofs that are not as their `choice` says. Paths are those of YAML, where a
// selected member's fields stand among those of the enclosing message.
std::vector<Violation> FindConstraintViolations(const google::protobuf::Message& message);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_CONFIG_CONSTRAINTS_H_
