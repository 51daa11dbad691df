// The learner's calls to the coordinator.
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

// Thread-safe. While the coordinator is away or has no room (UNAVAILABLE, DEADLINE_EXCEEDED, a call that it cancelled)
// every call is tried again, with jittered backoff of at most kLongestReconnectPause, with the next coordinator where
// there are several, until one answers or the call is cancelled (CANCELLED). The log says so at once, every ten
// seconds, and when it is over. Other errors are returned as the coordinator gave them.
class CoordinatorClient {
 public:
  explicit CoordinatorClient(std::shared_ptr<Coordinators> coordinators) : coordinators_(std::move(coordinators)) {}

  absl::StatusOr<std::shared_ptr<const PolicySnapshot>> DownloadPolicy(const std::string& name, int64_t version,
                                                                       Cancellation& cancellation);
  // Every batch is validated.
  absl::StatusOr<Demonstrations> ReadDataset(const std::string& name, Cancellation& cancellation);

  // Returns the version under which the coordinator stored it.
  absl::StatusOr<int64_t> PublishPolicy(const v1::StageKey& stage, const PolicySnapshot& policy,
                                        Cancellation& cancellation);
  absl::Status ReportProgress(const v1::StageKey& stage, const v1::StageProgress& progress, Cancellation& cancellation);

  // Returns once it is stored: how long the attempt took that succeeded.
  absl::StatusOr<absl::Duration> SaveCheckpoint(const v1::StageKey& stage, const v1::Checkpoint& checkpoint,
                                                Cancellation& cancellation);
  // The stage's latest one, valid; nullopt: there is none. DATA_LOSS: it is damaged, naming what is.
  absl::StatusOr<std::optional<v1::Checkpoint>> LoadCheckpoint(const v1::StageKey& stage, Cancellation& cancellation);

  absl::Status FinishStage(const v1::FinishStageRequest& request, Cancellation& cancellation);

 private:
  using Channel = std::shared_ptr<grpc::Channel>;
  absl::Status Retry(const char* what, Cancellation& cancellation, absl::Duration timeout,
                     const std::function<absl::Status(const Channel&, grpc::ClientContext&)>& call);

  const std::shared_ptr<Coordinators> coordinators_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_COORDINATOR_CLIENT_H_
