// The Policies gRPC service: policy.proto.
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

// Thread-safe. Needs no coordinator: also serves a store that is read without one. At most 64 Publish streams, of two
// of the largest policies together, and 256 Download streams at a time, then UNAVAILABLE; one whose publisher
// sends nothing for 10 s, or takes longer than half an hour, or whose reader reads nothing for 5 minutes, ends.
class PoliciesService final : public v1::Policies::Service {
 public:
  // Stores a snapshot for the stage that trained it, and returns its version.
  using Publisher =
      std::function<absl::StatusOr<int64_t>(const v1::StageKey& stage, std::shared_ptr<const PolicySnapshot> snapshot)>;

  // ABORTED where the epoch is not the stage's current one; its errors are the caller's.
  using EpochCheck = std::function<absl::Status(const v1::StageKey& stage)>;

  // Of a store alone: Publish is FAILED_PRECONDITION. `store` must outlive this.
  explicit PoliciesService(Store& store) : store_(store) {}
  // Publish asks `check_epoch` when the stage has come: whoever may not publish need not send the policy. Delete runs
  // by `run_alone`.
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
