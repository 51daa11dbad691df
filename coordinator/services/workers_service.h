// The gRPC service Workers, by which workers attach and report, and clients list them (workers.proto).
#ifndef UNDERSTUDY_COORDINATOR_SERVICES_WORKERS_SERVICE_H_
#define UNDERSTUDY_COORDINATOR_SERVICES_WORKERS_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include "common/security/access_control.h"
#include "coordinator/coordinator.h"
#include "understudy/v1/workers.grpc.pb.h"

namespace understudy {

// Thread-safe. `coordinator` must outlive the server that serves this. `access` is the server's: it says whether a
// worker may be of the kind that it says. null: any may.
class WorkersService final : public v1::Workers::WithCallbackMethod_Attach<v1::Workers::Service> {
 public:
  explicit WorkersService(Coordinator& coordinator, std::shared_ptr<AccessControl> access = nullptr)
      : coordinator_(coordinator), access_(std::move(access)) {}

  grpc::ServerBidiReactor<v1::WorkerMessage, v1::Assignment>* Attach(grpc::CallbackServerContext* context) override;
  grpc::Status ReportProgress(grpc::ServerContext* context, const v1::ProgressRequest* request,
                              v1::ProgressResponse* response) override;
  grpc::Status FinishStage(grpc::ServerContext* context, const v1::FinishStageRequest* request,
                           v1::FinishStageResponse* response) override;
  grpc::Status List(grpc::ServerContext* context, const v1::ListWorkersRequest* request,
                    v1::ListWorkersResponse* response) override;

 private:
  Coordinator& coordinator_;
  const std::shared_ptr<AccessControl> access_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SERVICES_WORKERS_SERVICE_H_
