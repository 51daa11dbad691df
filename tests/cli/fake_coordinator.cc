#include "tests/cli/fake_coordinator.h"

#include <gtest/gtest.h>

#include <utility>

#include "cli/experiment_report.h"

namespace understudy {
namespace {

const grpc::Status kAway(grpc::StatusCode::UNAVAILABLE, "Socket closed");

}  // namespace

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

bool FakeCoordinator::paused() {
  MutexLock lock(mutex_);
  return paused_;
}

bool FakeCoordinator::resumed() {
  MutexLock lock(mutex_);
  return resumed_;
}

void FakeCoordinator::Fail(int calls) {
  MutexLock lock(mutex_);
  failures_ = calls;
}

bool FakeCoordinator::FailsNow() {
  MutexLock lock(mutex_);
  if (failures_ == 0) return false;
  --failures_;
  return true;
}

void FakeCoordinator::Hold() {
  MutexLock lock(mutex_);
  held_ = true;
}

void FakeCoordinator::Release() {
  MutexLock lock(mutex_);
  held_ = false;
  changed_.NotifyAll();
}

void FakeCoordinator::AwaitWatch() {
  MutexLock lock(mutex_);
  while (!watched_) changed_.Wait(mutex_);
}

grpc::Status FakeCoordinator::Find(const std::string& id) const {
  if (id == states_.back().id()) return grpc::Status::OK;
  return grpc::Status(grpc::StatusCode::NOT_FOUND, "no experiment " + id);
}

grpc::Status FakeCoordinator::Submit(grpc::ServerContext*, const v1::SubmitRequest* request,
                                     v1::SubmitResponse* response) {
  const bool fails = FailsNow();
  MutexLock lock(mutex_);
  submitted_.push_back(*request);
  response->set_id(states_.back().id());
  return fails ? kAway : submit_status_;
}

grpc::Status FakeCoordinator::Get(grpc::ServerContext*, const v1::GetExperimentRequest* request,
                                  v1::Experiment* response) {
  *response = states_.back();
  return Find(request->id());
}

grpc::Status FakeCoordinator::List(grpc::ServerContext*, const v1::ListExperimentsRequest*,
                                   v1::ListExperimentsResponse* response) {
  if (FailsNow()) return kAway;
  for (const v1::Experiment& experiment : list_.value_or(std::vector<v1::Experiment>{states_.back()})) {
    *response->add_experiments() = experiment;
  }
  return grpc::Status::OK;
}

grpc::Status FakeCoordinator::Watch(grpc::ServerContext*, const v1::WatchExperimentRequest* request,
                                    grpc::ServerWriter<v1::Experiment>* writer) {
  if (grpc::Status status = Find(request->id()); !status.ok()) return status;
  writer->Write(states_.front());
  if (FailsNow()) return kAway;
  {
    MutexLock lock(mutex_);
    watched_ = true;
    changed_.NotifyAll();
    while (held_ && !cancelled_ && !paused_) changed_.Wait(mutex_);
  }
  for (size_t i = 1; i < states_.size(); ++i) writer->Write(states_[i]);
  if (HasEnded(states_.back().status())) return grpc::Status::OK;
  v1::Experiment last = states_.back();
  {
    MutexLock lock(mutex_);
    while (!cancelled_ && !paused_) changed_.Wait(mutex_);
    last.set_status(cancelled_ ? v1::STATUS_CANCELLED : v1::STATUS_PAUSED);
  }
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

grpc::Status FakeCoordinator::Pause(grpc::ServerContext*, const v1::PauseExperimentRequest* request,
                                    v1::Experiment* response) {
  MutexLock lock(mutex_);
  paused_ = true;
  changed_.NotifyAll();
  *response = states_.back();
  response->set_status(v1::STATUS_PAUSED);
  return Find(request->id());
}

grpc::Status FakeCoordinator::Resume(grpc::ServerContext*, const v1::ResumeExperimentRequest* request,
                                     v1::Experiment* response) {
  if (states_.front().status() == v1::STATUS_SUCCEEDED) {
    return grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "experiment " + request->id() + " has SUCCEEDED");
  }
  MutexLock lock(mutex_);
  resumed_ = true;
  *response = states_.back();
  response->set_status(v1::STATUS_RUNNING);
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
  v1::Worker& learner = *response->add_workers();
  learner.mutable_hello()->set_worker_id("w2");
  learner.mutable_hello()->set_kind(v1::WORKER_KIND_LEARNER);
  learner.mutable_hello()->set_host("somewhere");
  learner.mutable_hello()->set_pid(43);
  learner.mutable_assignment()->set_epoch(6);
  learner.mutable_assignment()->mutable_learner()->mutable_stage()->set_experiment_id("e1");
  learner.mutable_assignment()->mutable_learner()->mutable_train()->set_learners(2);
  learner.mutable_assignment()->mutable_learner()->set_rank(1);
  return grpc::Status::OK;
}

grpc::Status FakeCoordinator::ListMetrics(grpc::ServerContext*, const v1::ListMetricsRequest* request,
                                          v1::ListMetricsResponse* response) {
  if (request->stage() != 0) return {grpc::StatusCode::INVALID_ARGUMENT, "stage: no such stage"};
  for (const int iteration : {1, 2}) {
    v1::StageProgress& progress = *response->add_metrics();
    progress.set_iteration(iteration);
    progress.set_steps(1024 * iteration);
    (*progress.mutable_metrics())["policy_loss"] = 0.5 / iteration;
    if (iteration == 2) (*progress.mutable_metrics())["mean_return"] = 21;
  }
  return grpc::Status::OK;
}

}  // namespace understudy
