// A group of learners on Gloo's collectives over TCP.
#ifndef UNDERSTUDY_LEARNER_GROUP_GLOO_GROUP_H_
#define UNDERSTUDY_LEARNER_GROUP_GLOO_GROUP_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "learner/group/learner_group.h"

namespace understudy {

struct GlooOptions {
  int rank = 0;
  int size = 2;
  // Where this rank listens: a name or address of this host. Connections are not encrypted.
  std::string host = "127.0.0.1";
  // Gives what this rank listens on, as Gloo writes it, to the others, and returns every rank's, from rank 0 on.
  std::function<absl::StatusOr<std::vector<std::string>>(const std::string& addresses)> meet;
};

// Thread-compatible, but for Break. The process must ignore SIGPIPE, as TerminationSignals makes it: Gloo writes to
// connections that others have closed.
class GlooGroup : public LearnerGroup {
 public:
  // Connects each rank with every other; within ten seconds once they have met. `meet`'s error; INVALID_ARGUMENT: it
  // cannot listen on this host; GroupBroken: another rank cannot be reached.
  static absl::StatusOr<std::shared_ptr<GlooGroup>> Connect(const GlooOptions& options);

  // Ends what this rank is doing in the group, and what others do that wait for this one: they find the connection
  // closed. From now on every call is GroupBroken with this reason. Thread-safe; the first call counts.
  virtual void Break(const std::string& why) = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_GROUP_GLOO_GROUP_H_
