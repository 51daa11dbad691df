#include "tests/coordinator/cli/fake_coordinator.h"

#include <gtest/gtest.h>

#include <utility>

#include "coordinator/cli/number_format.h"

namespace understudy {

FakeCoordinator::FakeCoordinator(std::vector<v1::Experiment> states) : states_(std::move(states)) {
  absl::StatusOr<std::unique_ptr<RpcServer>> server = RpcServer::Start({.listen = "127.0.0.1:0"}, {this, &workers_});
  EXPECT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
}

FakeCoordinator::~FakeCoordinator() { server_.reset(); }

std::vector<v1::SubmitRequest> FakeCoordinator::submitted() {
  MutexLock lock(mutex_);
  return submitted_;
}

bool FakeCoordinator::cancelled() {
  MutexLock lock(mutex_);
  return cancelled_;
}

grpc::Status FakeCoordinator::Find(const std::string& id) const {
  if (id == states_.back().id()) return grpc::Status::OK;
  return grpc::Status(grpc::StatusCode::NOT_FOUND, "no experiment " + id);
}

grpc::Status FakeCoordinator::Submit(grpc::ServerContext*, const v1::SubmitRequest* request,
                                     v1::SubmitResponse* response) {
  MutexLock lock(mutex_);
  submitted_.push_back(*request);
  response->set_id(states_.back().id());
  return submit_status_;
}

grpc::Status FakeCoordinator::Get(grpc::ServerContext*, const v1::GetExperimentRequest* request,
                                  v1::Experiment* response) {
  *response = states_.back();
  return Find(request->id());
}

grpc::Status FakeCoordinator::List(grpc::ServerContext*, const v1::ListExperimentsRequest*,
                                   v1::ListExperimentsResponse* response) {
  *response->add_experiments() = states_.back();
  return grpc::Status::OK;
}

grpc::Status FakeCoordinator::Watch(grpc::ServerContext*, const v1::WatchExperimentRequest* request,
                                    grpc::ServerWriter<v1::Experiment>* writer) {
  if (grpc::Status status = Find(request->id()); !status.ok()) return status;
  for (const v1::Experiment& state : states_) writer->Write(state);
  if (HasEnded(states_.back().status())) return grpc::Status::OK;
  {
    MutexLock lock(mutex_);
    while (!cancelled_) changed_.Wait(mutex_);
  }
  v1::Experiment last = states_.back();
  last.set_status(v1::STATUS_CANCELLED);
  writer->Write(last);
  return grpc::Status::OK;
}

grpc::Status FakeCoordinator::Cancel(grpc::ServerContext*, const v1::CancelExperimentRequest* request,
                                     v1::Experiment* response) {
  MutexLock lock(mutex_);
  cancelled_ = true;
  changed_.NotifyAll();
  *response = states_.back();
  response->set_status(v1::STATUS_CANCELLED);
  return Find(request->id());
}

grpc::Status FakeCoordinator::FakeWorkers::List(grpc::ServerContext*, const v1::ListWorkersRequest*,
                                                v1::ListWorkersResponse* response) {
  v1::Worker& worker = *response->add_workers();
  worker.mutable_hello()->set_worker_id("w1");
  worker.mutable_hello()->set_kind(v1::WORKER_KIND_ACTOR);
  worker.mutable_hello()->set_host("somewhere");
  worker.mutable_hello()->set_pid(42);
  worker.mutable_assignment()->set_epoch(5);
  worker.mutable_assignment()->mutable_actor()->mutable_stage()->set_experiment_id("e1");
  worker.mutable_heartbeat()->set_steps_produced(12345);
  worker.set_silent_ms(250);
  return grpc::Status::OK;
}

}  // namespace understudy
