// Calls the coordinator, for the learner.
#ifndef UNDERSTUDY_LEARNER_COORDINATOR_CLIENT_H_
#define UNDERSTUDY_LEARNER_COORDINATOR_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/process/cancellation.h"
#include "common/rpc/coordinators.h"
#include "common/snapshot/policy_snapshot.h"
#include "learner/training_context.h"
#include "understudy/v1/checkpoints.pb.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

// Every call is repeated while the coordinator is away or has no room (UNAVAILABLE, DEADLINE_EXCEEDED, a call that it
// cancelled). The pauses are random and at most kLongestReconnectPause; the next coordinator is tried, if there are
// several. The log says so at once, every ten seconds, and when it is over. Thread-safe.
// CANCELLED: the call was cancelled. Any other error is the coordinator's.
class CoordinatorClient {
 public:
  explicit CoordinatorClient(std::shared_ptr<Coordinators> coordinators) : coordinators_(std::move(coordinators)) {}

  // Downloads a stored policy, and checks that it is whole.
  absl::StatusOr<std::shared_ptr<const PolicySnapshot>> DownloadPolicy(const std::string& name, int64_t version,
                                                                       Cancellation& cancellation);
  // Reads a complete dataset, and validates every batch.
  absl::StatusOr<Demonstrations> ReadDataset(const std::string& name, Cancellation& cancellation);

  // Stores a policy that the stage has made. Returns the version that the coordinator gave it.
  absl::StatusOr<int64_t> PublishPolicy(const v1::StageKey& stage, const PolicySnapshot& policy,
                                        Cancellation& cancellation);
  // Stores the metrics of an iteration.
  absl::Status ReportProgress(const v1::StageKey& stage, const v1::StageProgress& progress, Cancellation& cancellation);

  // Stores a checkpoint. Returns how long the successful attempt took.
  absl::StatusOr<absl::Duration> SaveCheckpoint(const v1::StageKey& stage, const v1::Checkpoint& checkpoint,
                                                Cancellation& cancellation);
  // Loads and validates the stage's latest checkpoint. nullopt: there is none.
  // DATA_LOSS: it is damaged; the message says what is.
  absl::StatusOr<std::optional<v1::Checkpoint>> LoadCheckpoint(const v1::StageKey& stage, Cancellation& cancellation);

  // Delivers the outcome of a stage.
  absl::Status FinishStage(const v1::FinishStageRequest& request, Cancellation& cancellation);

 private:
  using Channel = std::shared_ptr<grpc::Channel>;
  absl::Status Retry(const char* what, Cancellation& cancellation, absl::Duration timeout,
                     const std::function<absl::Status(const Channel&, grpc::ClientContext&)>& call);

  const std::shared_ptr<Coordinators> coordinators_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_COORDINATOR_CLIENT_H_
