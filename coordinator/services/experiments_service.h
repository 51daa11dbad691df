// The gRPC service Experiments, which submits, shows and manages experiments (experiments.proto).
#ifndef UNDERSTUDY_COORDINATOR_SERVICES_EXPERIMENTS_SERVICE_H_
#define UNDERSTUDY_COORDINATOR_SERVICES_EXPERIMENTS_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include "coordinator/coordinator.h"
#include "coordinator/storage/store.h"
#include "understudy/v1/experiments.grpc.pb.h"

namespace understudy {

// Serves the experiments of a coordinator or, without one, of a store. Without a coordinator, experiments are as the
// store has them. Cancel then marks an experiment that nobody runs. Nothing can be submitted, paused or resumed
// (FAILED_PRECONDITION), or watched (UNIMPLEMENTED).
//
// Thread-safe.
class ExperimentsService final : public v1::Experiments::WithCallbackMethod_Watch<v1::Experiments::Service> {
 public:
  // `store` is the coordinator's. `coordinator` may be null. Both must outlive the server that serves this.
  ExperimentsService(Store& store, Coordinator* coordinator) : store_(store), coordinator_(coordinator) {}

  grpc::Status Submit(grpc::ServerContext* context, const v1::SubmitRequest* request,
                      v1::SubmitResponse* response) override;
  grpc::Status Get(grpc::ServerContext* context, const v1::GetExperimentRequest* request,
                   v1::Experiment* response) override;
  grpc::Status List(grpc::ServerContext* context, const v1::ListExperimentsRequest* request,
                    v1::ListExperimentsResponse* response) override;
  grpc::ServerWriteReactor<v1::Experiment>* Watch(grpc::CallbackServerContext* context,
                                                  const v1::WatchExperimentRequest* request) override;
  grpc::Status Cancel(grpc::ServerContext* context, const v1::CancelExperimentRequest* request,
                      v1::Experiment* response) override;
  grpc::Status Pause(grpc::ServerContext* context, const v1::PauseExperimentRequest* request,
                     v1::Experiment* response) override;
  grpc::Status Resume(grpc::ServerContext* context, const v1::ResumeExperimentRequest* request,
                      v1::Experiment* response) override;
  grpc::Status Delete(grpc::ServerContext* context, const v1::DeleteExperimentsRequest* request,
                      v1::DeleteExperimentsResponse* response) override;
  grpc::Status ListMetrics(grpc::ServerContext* context, const v1::ListMetricsRequest* request,
                           v1::ListMetricsResponse* response) override;

 private:
  Store& store_;
  Coordinator* const coordinator_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SERVICES_EXPERIMENTS_SERVICE_H_
