// Names a stage: its experiment, and its number there, from 0.
#ifndef UNDERSTUDY_COORDINATOR_SCHEDULING_STAGE_ID_H_
#define UNDERSTUDY_COORDINATOR_SCHEDULING_STAGE_ID_H_

#include <compare>
#include <string>

namespace understudy {

struct StageId {
  std::string experiment;
  int stage = 0;
  auto operator<=>(const StageId&) const = default;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SCHEDULING_STAGE_ID_H_
