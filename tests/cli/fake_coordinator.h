// A coordinator that has one experiment, and tells of it what the test says.
#ifndef UNDERSTUDY_TESTS_CLI_FAKE_COORDINATOR_H_
#define UNDERSTUDY_TESTS_CLI_FAKE_COORDINATOR_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/process/mutex.h"
#include "common/rpc/server.h"
#include "understudy/v1/experiments.grpc.pb.h"
#include "understudy/v1/workers.grpc.pb.h"

namespace understudy {

// Thread-safe once it serves. Any other id than that of the last state is NOT_FOUND.
class FakeCoordinator final : public v1::Experiments::Service {
 public:
  // Watch sends these, and ends if the last one has ended; otherwise after Pause or Cancel, as PAUSED or CANCELLED.
  explicit FakeCoordinator(std::vector<v1::Experiment> states);
  ~FakeCoordinator() override;

  // HOST:PORT
  std::string address() const { return server_->address(); }

  // What Submit answers; OK: the experiment's id.
  void RefuseSubmit(grpc::Status status) { submit_status_ = std::move(status); }

  // What List answers, newest first; otherwise: the last state.
  void SetList(std::vector<v1::Experiment> experiments) { list_ = std::move(experiments); }
  // So many calls, of whatever kind, end with UNAVAILABLE; a watch after its first state.
  void Fail(int calls);
  // Watch does not send the last state before Release.
  void Hold();
  void Release();

  // Returns once somebody watches.
  void AwaitWatch();

  std::vector<v1::SubmitRequest> submitted();
  bool cancelled();
  bool paused();
  bool resumed();

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
  grpc::Status Pause(grpc::ServerContext* context, const v1::PauseExperimentRequest* request,
                     v1::Experiment* response) override;
  // FAILED_PRECONDITION where the first state has SUCCEEDED.
  grpc::Status Resume(grpc::ServerContext* context, const v1::ResumeExperimentRequest* request,
                      v1::Experiment* response) override;

  // Of stage 0, two iterations; of any other, an error.
  grpc::Status ListMetrics(grpc::ServerContext* context, const v1::ListMetricsRequest* request,
                           v1::ListMetricsResponse* response) override;

 private:
  // Lists one actor at work.
  class FakeWorkers final : public v1::Workers::Service {
    grpc::Status List(grpc::ServerContext* context, const v1::ListWorkersRequest* request,
                      v1::ListWorkersResponse* response) override;
  };

  grpc::Status Find(const std::string& id) const;
  bool FailsNow();

  const std::vector<v1::Experiment> states_;
  std::optional<std::vector<v1::Experiment>> list_;
  grpc::Status submit_status_;
  FakeWorkers workers_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<v1::SubmitRequest> submitted_ ABSL_GUARDED_BY(mutex_);
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool paused_ ABSL_GUARDED_BY(mutex_) = false;
  bool resumed_ ABSL_GUARDED_BY(mutex_) = false;
  bool watched_ ABSL_GUARDED_BY(mutex_) = false;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  int failures_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<RpcServer> server_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_TESTS_CLI_FAKE_COORDINATOR_H_
