// The gRPC service Datasets, which lists, reads and manages datasets (datasets.proto).
#ifndef UNDERSTUDY_COORDINATOR_SERVICES_DATASETS_SERVICE_H_
#define UNDERSTUDY_COORDINATOR_SERVICES_DATASETS_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <utility>

#include "common/rpc/stream_guard.h"
#include "coordinator/experiment_uses.h"
#include "coordinator/storage/store.h"
#include "understudy/v1/datasets.grpc.pb.h"

namespace understudy {

// Needs no coordinator: it also serves a store that is opened without one. Serves at most 256 Read streams at a time;
// further ones are UNAVAILABLE. A Read stream ends if nothing is read for 5 minutes. It reads from the store on the
// caller's thread. Thread-safe.
class DatasetsService final : public v1::Datasets::Service {
 public:
  // `run_alone` runs what must not happen while an experiment begins. `store` must outlive the service.
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
