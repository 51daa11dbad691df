// How a learner comes to a group: it meets the others at rank 0, and all connect with each other.
#ifndef UNDERSTUDY_LEARNER_GROUP_JOIN_GROUP_H_
#define UNDERSTUDY_LEARNER_GROUP_JOIN_GROUP_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/process/cancellation.h"
#include "learner/group/learner_group.h"
#include "learner/group/ranks_service.h"
#include "understudy/v1/policy.pb.h"

namespace understudy {

struct JoinOptions {
  v1::StageKey stage;
  int rank = 0;
  int size = 1;
  // Of rank 0's service, for all others.
  std::string first_address = {};
  std::shared_ptr<grpc::ChannelCredentials> credentials = nullptr;
  // Where this rank listens for the others' gradients, which are not encrypted.
  std::string gradients_host = "127.0.0.1";
};

// A group that lasts as long as this object. Thread-compatible.
class JoinedGroup {
 public:
  virtual ~JoinedGroup() = default;
  virtual LearnerGroup& group() = 0;
  // How many ranks are on this host, this one included.
  virtual int ranks_here() const = 0;
};

// Waits for all ranks, for as long as it takes; alone, for nobody. The group breaks as soon as one of them goes, or is
// not heard of for ten seconds, or `cancellation` comes. `service`: this learner's, which the others find if it is rank
// 0; both must outlive the result. CANCELLED; GroupBroken: they met, and one has gone already; FAILED_PRECONDITION:
// ranks are on several hosts, and one listens on loopback only, saying what to do; INVALID_ARGUMENT: it cannot listen.
absl::StatusOr<std::unique_ptr<JoinedGroup>> JoinGroup(const JoinOptions& options, RanksService& service,
                                                       Cancellation& cancellation);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_GROUP_JOIN_GROUP_H_
