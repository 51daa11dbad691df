// A group of learners that exchange numbers by Gloo's collective operations, over TCP.
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

// The process must ignore SIGPIPE (TerminationSignals sees to it), because Gloo writes to connections that others have
// closed. Gloo trusts everybody who connects: bytes that it did not expect end the process. Thread-compatible, except
// for Break.
class GlooGroup : public LearnerGroup {
 public:
  // Tells the other ranks the addresses on which this rank listens for them, and returns the addresses of every rank,
  // from rank 0 on. The text is Gloo's own.
  using Meet = std::function<absl::StatusOr<std::vector<std::string>>(const std::string& addresses)>;

  // Makes a group that is not connected yet. This rank listens on `host`, a name or address of this machine.
  // Connections are not encrypted.
  // INVALID_ARGUMENT: it cannot listen there.
  static absl::StatusOr<std::shared_ptr<GlooGroup>> Create(int rank, int size, const std::string& host);

  // Calls `meet`, and then connects with every other rank, within ten seconds for each. To be called once, before any
  // other call except Break.
  // Errors: the one of `meet`; the one that Break was given; GroupBroken if another rank cannot be reached.
  virtual absl::Status Connect(const Meet& meet) = 0;

  // Closes all connections, which ends the calls of this rank and of all ranks that wait for it. From now on every call
  // returns `status`, which is GroupBroken or CANCELLED. Only the first call has an effect. Thread-safe.
  virtual void Break(const absl::Status& status) = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_GROUP_GLOO_GROUP_H_
