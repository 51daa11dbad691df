// Joins the group of learners that train a stage: they meet at rank 0, and then connect with each other.
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
  // The address of rank 0's service Ranks; the others meet there.
  std::string first_address = {};
  std::shared_ptr<grpc::ChannelCredentials> credentials = nullptr;
  // The host name or address on which this rank listens for the others' gradients, which are not encrypted.
  std::string gradients_host = "127.0.0.1";
};

// Keeps a group for as long as it exists. Thread-compatible.
class JoinedGroup {
 public:
  virtual ~JoinedGroup() = default;
  virtual LearnerGroup& group() = 0;
  // Returns how many ranks are on this machine, this one included.
  virtual int ranks_here() const = 0;
};

// Waits until all ranks have joined, for as long as that takes. A stage with one learner waits for nobody. The group
// breaks as soon as a rank goes, a rank is not heard of for ten seconds, or `cancellation` is cancelled. `service` is
// this learner's, for the case that it is rank 0. It and `cancellation` must outlive the result.
// CANCELLED: `cancellation` is. GroupBroken: the ranks met, but one has gone already. INVALID_ARGUMENT: this rank
// cannot listen on `gradients_host`. FAILED_PRECONDITION: there are ranks on several machines, and this one listens on
// loopback; the message says what to do.
absl::StatusOr<std::unique_ptr<JoinedGroup>> JoinGroup(const JoinOptions& options, RanksService& service,
                                                       Cancellation& cancellation);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_GROUP_JOIN_GROUP_H_
