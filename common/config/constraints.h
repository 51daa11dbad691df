// The generic half of validation: reads the options of constraint.proto off any message.
#ifndef UNDERSTUDY_COMMON_CONFIG_CONSTRAINTS_H_
#define UNDERSTUDY_COMMON_CONFIG_CONSTRAINTS_H_

#include <google/protobuf/message.h>

#include <string>
#include <vector>

namespace understudy {

// One thing that is wrong: where ("stages[1].train.clip", the first stage's) and what ("found -1, expected a number in
// (0, 1]").
struct Violation {
  std::string path;
  std::string message;
};

// More than so many are not collected: whoever reads them mends the first few, and a peer cannot make them grow.
inline constexpr size_t kMaxViolations = 20;

// Appends a violation where there is room.
void AddViolation(std::vector<Violation>& violations, std::string path, std::string message);

// "parent.name", or the name where the parent is the message itself ("").
std::string ChildPath(const std::string& parent, const std::string& name);
// "parent[1]" for index 0: as everywhere where users see it, counting begins with 1.
std::string ItemPath(const std::string& parent, int index);

// Sets every absent field and empty list that has a default, and the selected member of every oneof that has none set,
// in the message and all messages that are in it. Absent messages stay absent. Changes nothing the second time.
void SetDefaultValues(google::protobuf::Message& message);

// Every value outside its bounds, every field absent that has a default or is required, every oneof that is not as its
// `choice` says, in the message and all messages that are in it. Paths are those of YAML: a selected member's fields
// are the enclosing message's.
std::vector<Violation> FindConstraintViolations(const google::protobuf::Message& message);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_CONFIG_CONSTRAINTS_H_
