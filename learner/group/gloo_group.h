// A group of learners on Gloo's collectives over TCP.
#ifndef UNDERSTUDY_LEARNER_GROUP_GLOO_GROUP_H_
#define UNDERSTUDY_LEARNER_GROUP_GLOO_GROUP_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "learner/group/learner_group.h"

namespace understudy {

// Thread-compatible, but for Break. The process must ignore SIGPIPE, as TerminationSignals makes it: Gloo writes to
// connections that others have closed. Gloo trusts whoever connects: bytes that it did not expect end the process.
class GlooGroup : public LearnerGroup {
 public:
  // Gives what this rank listens on for each of the others, as Gloo writes it, to them, and returns every rank's, from
  // rank 0 on.
  using Meet = std::function<absl::StatusOr<std::vector<std::string>>(const std::string& addresses)>;

  // Not connected yet. `host`: where this rank listens, a name or address of this host; connections are not encrypted.
  // INVALID_ARGUMENT: it cannot listen there.
  static absl::StatusOr<std::shared_ptr<GlooGroup>> Create(int rank, int size, const std::string& host);

  // Connects each rank with every other, once they have met, within ten seconds for each, or until Break. To be called
  // once, before all else. `meet`'s error, what Break was given, or GroupBroken: another rank cannot be reached.
  virtual absl::Status Connect(const Meet& meet) = 0;

  // Ends what this rank is doing in the group, and what others do that wait for this one: they find the connection
  // closed. From now on every call returns `status`, GroupBroken or CANCELLED. Thread-safe; the first call counts.
  virtual void Break(const absl::Status& status) = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_GROUP_GLOO_GROUP_H_
