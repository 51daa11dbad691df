// The Datasets gRPC service: datasets.proto.
#ifndef UNDERSTUDY_COORDINATOR_SERVICES_DATASETS_SERVICE_H_
#define UNDERSTUDY_COORDINATOR_SERVICES_DATASETS_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <utility>

#include "common/rpc/stream_guard.h"
#include "coordinator/experiment_uses.h"
#include "coordinator/storage/store.h"
#include "understudy/v1/datasets.grpc.pb.h"

namespace understudy {

// Thread-safe. Needs no coordinator: also serves a store that is opened without one. Reads on the caller's thread.
// At most 256 Read streams at a time, then UNAVAILABLE; one whose reader reads nothing for 5 minutes ends.
class DatasetsService final : public v1::Datasets::Service {
 public:
  // `store` must outlive this. What must not happen while an experiment begins runs by `run_alone`.
  DatasetsService(Store& store, RunAlone run_alone) : store_(store), run_alone_(std::move(run_alone)) {}

  grpc::Status List(grpc::ServerContext* context, const v1::ListDatasetsRequest* request,
                    v1::ListDatasetsResponse* response) override;
  grpc::Status Get(grpc::ServerContext* context, const v1::GetDatasetRequest* request, v1::Dataset* response) override;
  grpc::Status Digest(grpc::ServerContext* context, const v1::DigestDatasetRequest* request,
                      v1::DigestDatasetResponse* response) override;
  grpc::Status Verify(grpc::ServerContext* context, const v1::VerifyDatasetRequest* request,
                      v1::VerifyDatasetResponse* response) override;
  grpc::Status Read(grpc::ServerContext* context, const v1::ReadDatasetRequest* request,
                    grpc::ServerWriter<v1::TrajectoryBatch>* writer) override;
  grpc::Status Finish(grpc::ServerContext* context, const v1::FinishDatasetRequest* request,
                      v1::Dataset* response) override;
  grpc::Status Delete(grpc::ServerContext* context, const v1::DeleteDatasetRequest* request,
                      v1::DeleteDatasetResponse* response) override;

 private:
  Store& store_;
  const RunAlone run_alone_;
  StreamLimit reading_{256};
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SERVICES_DATASETS_SERVICE_H_
