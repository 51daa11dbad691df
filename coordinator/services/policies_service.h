// The gRPC service Policies, which publishes, lists and downloads policies (policy.proto).
#ifndef UNDERSTUDY_COORDINATOR_SERVICES_POLICIES_SERVICE_H_
#define UNDERSTUDY_COORDINATOR_SERVICES_POLICIES_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "common/rpc/stream_guard.h"
#include "common/snapshot/policy_snapshot.h"
#include "coordinator/experiment_uses.h"
#include "coordinator/storage/store.h"
#include "understudy/v1/policy.grpc.pb.h"

namespace understudy {

// Needs no coordinator: it also serves a store that is read without one. Serves at most 64 Publish streams, which
// together receive at most two of the largest policies, and 256 Download streams at a time; further ones are
// UNAVAILABLE. A Publish stream ends if nothing is sent for 10 s, or if it takes longer than half an hour. A Download
// stream ends if nothing is read for 5 minutes. Thread-safe.
class PoliciesService final : public v1::Policies::Service {
 public:
  // Stores a snapshot for the stage that trained it, and returns its version.
  using Publisher =
      std::function<absl::StatusOr<int64_t>(const v1::StageKey& stage, std::shared_ptr<const PolicySnapshot> snapshot)>;

  // Checks that the epoch is the stage's current one. The caller of the service gets the error.
  // ABORTED: it is not.
  using EpochCheck = std::function<absl::Status(const v1::StageKey& stage)>;

  // Serves a store alone: Publish is FAILED_PRECONDITION. `store` must outlive the service.
  explicit PoliciesService(Store& store) : store_(store) {}
  // Serves a coordinator's store. Publish calls `check_epoch` when the stage has come, so that a caller who may not
  // publish need not send the policy. `run_alone` runs Delete.
  PoliciesService(Store& store, EpochCheck check_epoch, Publisher publisher, RunAlone run_alone)
      : store_(store),
        check_epoch_(std::move(check_epoch)),
        publisher_(std::move(publisher)),
        run_alone_(std::move(run_alone)) {}

  grpc::Status List(grpc::ServerContext* context, const v1::ListPoliciesRequest* request,
                    v1::ListPoliciesResponse* response) override;
  grpc::Status Delete(grpc::ServerContext* context, const v1::DeletePolicyRequest* request,
                      v1::DeletePolicyResponse* response) override;
  grpc::Status Get(grpc::ServerContext* context, const v1::GetPolicyRequest* request,
                   v1::StoredPolicy* response) override;
  grpc::Status Download(grpc::ServerContext* context, const v1::GetPolicyRequest* request,
                        grpc::ServerWriter<v1::PolicyChunk>* writer) override;
  grpc::Status Publish(grpc::ServerContext* context, grpc::ServerReader<v1::PublishPolicyRequest>* reader,
                       v1::PublishPolicyResponse* response) override;

 private:
  Store& store_;
  const EpochCheck check_epoch_;
  const Publisher publisher_;
  const RunAlone run_alone_ = RunWithoutCoordinator;
  StreamLimit publishing_{64, 2 * kMaxParameterBytes};
  StreamLimit downloading_{256, 4 * kMaxParameterBytes};
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SERVICES_POLICIES_SERVICE_H_
