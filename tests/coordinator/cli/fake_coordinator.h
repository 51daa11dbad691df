// A coordinator that has one experiment, and tells of it what the test says.
#ifndef UNDERSTUDY_TESTS_COORDINATOR_CLI_FAKE_COORDINATOR_H_
#define UNDERSTUDY_TESTS_COORDINATOR_CLI_FAKE_COORDINATOR_H_

#include <memory>
#include <string>
#include <vector>

#include "common/process/mutex.h"
#include "common/rpc/server.h"
#include "understudy/v1/experiments.grpc.pb.h"
#include "understudy/v1/workers.grpc.pb.h"

namespace understudy {

// Thread-safe once it serves. Any other id than that of the last state is NOT_FOUND.
class FakeCoordinator final : public v1::Experiments::Service {
 public:
  // Watch sends these, and ends if the last one has ended; otherwise after Cancel, with CANCELLED stages.
  explicit FakeCoordinator(std::vector<v1::Experiment> states);
  ~FakeCoordinator() override;

  // HOST:PORT
  std::string address() const { return server_->address(); }

  // What Submit answers; OK: the experiment's id.
  void RefuseSubmit(grpc::Status status) { submit_status_ = std::move(status); }

  std::vector<v1::SubmitRequest> submitted();
  bool cancelled();

  grpc::Status Submit(grpc::ServerContext* context, const v1::SubmitRequest* request,
                      v1::SubmitResponse* response) override;
  grpc::Status Get(grpc::ServerContext* context, const v1::GetExperimentRequest* request,
                   v1::Experiment* response) override;
  grpc::Status List(grpc::ServerContext* context, const v1::ListExperimentsRequest* request,
                    v1::ListExperimentsResponse* response) override;
  grpc::Status Watch(grpc::ServerContext* context, const v1::WatchExperimentRequest* request,
                     grpc::ServerWriter<v1::Experiment>* writer) override;
  grpc::Status Cancel(grpc::ServerContext* context, const v1::CancelExperimentRequest* request,
                      v1::Experiment* response) override;

 private:
  // Lists one actor at work.
  class FakeWorkers final : public v1::Workers::Service {
    grpc::Status List(grpc::ServerContext* context, const v1::ListWorkersRequest* request,
                      v1::ListWorkersResponse* response) override;
  };

  grpc::Status Find(const std::string& id) const;

  const std::vector<v1::Experiment> states_;
  grpc::Status submit_status_;
  FakeWorkers workers_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<v1::SubmitRequest> submitted_ ABSL_GUARDED_BY(mutex_);
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<RpcServer> server_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_TESTS_COORDINATOR_CLI_FAKE_COORDINATOR_H_
