// The gRPC service Checkpoints, which stores and returns the checkpoints of training stages (checkpoints.proto).
#ifndef UNDERSTUDY_COORDINATOR_SERVICES_CHECKPOINTS_SERVICE_H_
#define UNDERSTUDY_COORDINATOR_SERVICES_CHECKPOINTS_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "common/rpc/stream_guard.h"
#include "common/snapshot/policy_snapshot.h"
#include "coordinator/storage/store.h"
#include "understudy/v1/checkpoints.grpc.pb.h"

namespace understudy {

// Serves at most 64 Save and 64 Load streams at a time; further ones are UNAVAILABLE. A Save stream ends if nothing is
// sent for 10 s, or if it takes longer than half an hour. A Load stream ends if nothing is read for 5 minutes.
// Thread-safe.
class CheckpointsService final : public v1::Checkpoints::Service {
 public:
  // Checks that the epoch is the stage's current one. The caller of the service gets the error.
  // ABORTED: it is not.
  using EpochCheck = std::function<absl::Status(const v1::StageKey& stage)>;

  // The most bytes of content that all calls together may be receiving. A call that would need more is UNAVAILABLE.
  static constexpr int64_t kMaxReceivingBytes = 2 * kMaxCheckpointBytes;

  // Save calls `check_epoch` when the header has come, and again before it stores. Load calls it, too. `store` must
  // outlive the service.
  CheckpointsService(Store& store, EpochCheck check_epoch, int64_t max_receiving_bytes = kMaxReceivingBytes)
      : store_(store), check_epoch_(std::move(check_epoch)), saving_(64, max_receiving_bytes) {}

  grpc::Status Save(grpc::ServerContext* context, grpc::ServerReader<v1::CheckpointChunk>* reader,
                    v1::SaveCheckpointResponse* response) override;
  grpc::Status Load(grpc::ServerContext* context, const v1::LoadCheckpointRequest* request,
                    grpc::ServerWriter<v1::CheckpointChunk>* writer) override;

 private:
  absl::Status Receive(grpc::ServerReader<v1::CheckpointChunk>& reader, StreamGuard& guard);

  Store& store_;
  const EpochCheck check_epoch_;
  StreamLimit saving_;
  StreamLimit loading_{64, 2 * kMaxCheckpointBytes};
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SERVICES_CHECKPOINTS_SERVICE_H_
