#include "tests/coordinator/coordinator_harness.h"

#include <gtest/gtest.h>

#include <numeric>
#include <utility>

#include "common/rollouts/rollout_service.h"
#include "common/rpc/channel.h"
#include "common/rpc/protocol.h"
#include "common/rpc/server.h"
#include "coordinator/services/datasets_service.h"
#include "coordinator/services/experiments_service.h"
#include "coordinator/services/policies_service.h"
#include "coordinator/services/workers_service.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy::testing {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);

}  // namespace

struct CoordinatorHarness::Services {
  Services(Coordinator& control, Store& store)
      : experiments(store, &control),
        workers(control),
        policies(
            store, [&control](const v1::StageKey& stage) { return control.CheckEpoch(stage); },
            [&control](const v1::StageKey& stage, std::shared_ptr<const PolicySnapshot> snapshot) {
              return control.Publish(stage, std::move(snapshot));
            },
            [&control](const auto& call) { return control.RunAlone(call); }),
        datasets(store, [&control](const auto& call) { return control.RunAlone(call); }),
        rollouts(control),
        server(RpcServer::Start({}, {&experiments, &workers, &policies, &datasets, &rollouts}).value()) {}

  ExperimentsService experiments;
  WorkersService workers;
  PoliciesService policies;
  DatasetsService datasets;
  RolloutService rollouts;
  std::unique_ptr<RpcServer> server;
};

CoordinatorHarness::CoordinatorHarness(const TemporaryDirectory& directory)
    : data_(DataDirectory::Open(directory.File("data"), DataDirectory::Mode::kCreate).value()),
      coordinator_(Coordinator::Start(data_->store()).value()),
      services_(std::make_unique<Services>(*coordinator_, data_->store())),
      channel_(MakeChannel(services_->server->address())) {}

CoordinatorHarness::~CoordinatorHarness() {
  coordinator_->Stop();
  services_->server->Shutdown();
}

std::string CoordinatorHarness::Submit(const v1::ExperimentSpec& spec) {
  grpc::ClientContext context;
  SetDeadline(context, kPatience);
  v1::SubmitRequest request;
  *request.mutable_spec() = spec;
  v1::SubmitResponse response;
  const grpc::Status status = v1::Experiments::NewStub(channel_)->Submit(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.id();
}

v1::Experiment CoordinatorHarness::Get(const std::string& id) {
  grpc::ClientContext context;
  SetDeadline(context, kPatience);
  v1::GetExperimentRequest request;
  request.set_id(id);
  v1::Experiment experiment;
  const grpc::Status status = v1::Experiments::NewStub(channel_)->Get(&context, request, &experiment);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return experiment;
}

v1::Experiment CoordinatorHarness::Cancel(const std::string& id) {
  grpc::ClientContext context;
  SetDeadline(context, kPatience);
  v1::CancelExperimentRequest request;
  request.set_id(id);
  v1::Experiment experiment;
  const grpc::Status status = v1::Experiments::NewStub(channel_)->Cancel(&context, request, &experiment);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return experiment;
}

v1::Experiment CoordinatorHarness::AwaitFinished(const std::string& id) {
  grpc::ClientContext context;
  SetDeadline(context, kPatience);
  v1::WatchExperimentRequest request;
  request.set_id(id);
  const auto stub = v1::Experiments::NewStub(channel_);
  const auto reader = stub->Watch(&context, request);
  v1::Experiment experiment;
  while (reader->Read(&experiment)) {
  }
  const grpc::Status status = reader->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  return experiment;
}

absl::Status CoordinatorHarness::ReportProgress(const v1::StageKey& stage, int64_t iteration) {
  grpc::ClientContext context;
  SetDeadline(context, kPatience);
  v1::ProgressRequest request;
  *request.mutable_stage() = stage;
  request.mutable_progress()->set_iteration(iteration);
  v1::ProgressResponse response;
  return FromGrpc(v1::Workers::NewStub(channel_)->ReportProgress(&context, request, &response));
}

absl::StatusOr<int64_t> CoordinatorHarness::Publish(const v1::StageKey& stage, const PolicySnapshot& snapshot) {
  grpc::ClientContext context;
  SetDeadline(context, kPatience);
  v1::PublishPolicyResponse response;
  const auto stub = v1::Policies::NewStub(channel_);
  const auto writer = stub->Publish(&context, &response);
  v1::PublishPolicyRequest first;
  *first.mutable_stage() = stage;
  writer->Write(first);
  SendInChunks(snapshot, [&writer](v1::PolicyChunk chunk) {
    v1::PublishPolicyRequest message;
    *message.mutable_chunk() = std::move(chunk);
    return writer->Write(message);
  });
  writer->WritesDone();
  const absl::Status status = FromGrpc(writer->Finish());
  if (!status.ok()) return status;
  return response.version();
}

absl::Status CoordinatorHarness::FinishStage(const v1::FinishStageRequest& request) {
  grpc::ClientContext context;
  SetDeadline(context, kPatience);
  v1::FinishStageResponse response;
  return FromGrpc(v1::Workers::NewStub(channel_)->FinishStage(&context, request, &response));
}

void CoordinatorHarness::FinishTraining(const v1::LearnerWork& work) {
  const auto snapshot = TestSnapshot(work.train().policy(), 1);
  const auto version = Publish(work.stage(), *snapshot);
  ASSERT_TRUE(version.ok()) << version.status();
  v1::FinishStageRequest request;
  *request.mutable_stage() = work.stage();
  request.mutable_result()->set_policy_version(*version);
  request.mutable_result()->set_policy_digest(snapshot->Digest());
  request.mutable_result()->set_converged(true);
  const absl::Status status = FinishStage(request);
  ASSERT_TRUE(status.ok()) << status;
}

TestWorker::TestWorker(CoordinatorHarness& coordinator, v1::WorkerHello hello)
    : stub_(v1::Workers::NewStub(coordinator.channel())) {
  SetDeadline(context_, kPatience);
  stream_ = stub_->Attach(&context_);
  v1::WorkerMessage message;
  *message.mutable_hello() = std::move(hello);
  stream_->Write(message);
}

TestWorker::~TestWorker() {
  context_.TryCancel();
  if (stream_ != nullptr) stream_->Finish();
}

absl::StatusOr<v1::Assignment> TestWorker::Next() {
  v1::Assignment assignment;
  if (stream_->Read(&assignment)) return assignment;
  return absl::UnknownError("the stream has ended");
}

v1::Assignment TestWorker::NextWork() {
  while (true) {
    const auto assignment = Next();
    EXPECT_TRUE(assignment.ok()) << assignment.status();
    if (!assignment.ok() || assignment->epoch() != 0) return assignment.value_or(v1::Assignment());
  }
}

void TestWorker::AwaitIdle() {
  while (true) {
    const auto assignment = Next();
    ASSERT_TRUE(assignment.ok()) << assignment.status();
    if (assignment->epoch() == 0) return;
  }
}

void TestWorker::Heartbeat(int64_t epoch) {
  v1::WorkerMessage message;
  message.mutable_heartbeat()->set_epoch(epoch);
  stream_->Write(message);
}

absl::Status TestWorker::Leave() {
  stream_->WritesDone();
  return Finish();
}

absl::Status TestWorker::Finish() {
  while (Next().ok()) {
  }
  return FromGrpc(std::exchange(stream_, nullptr)->Finish());
}

v1::WorkerHello ActorNamed(const std::string& id) {
  v1::WorkerHello hello;
  hello.set_protocol_version(kProtocolVersion);
  hello.set_worker_id(id);
  hello.set_kind(v1::WORKER_KIND_ACTOR);
  return hello;
}

v1::WorkerHello LearnerNamed(const std::string& id) {
  v1::WorkerHello hello = ActorNamed(id);
  hello.set_kind(v1::WORKER_KIND_LEARNER);
  hello.set_rollouts_address("127.0.0.1:7");
  return hello;
}

absl::Status RollOut(CoordinatorHarness& coordinator, const std::string& worker, const v1::StageKey& stage,
                     int64_t steps_each, int results) {
  grpc::ClientContext context;
  SetDeadline(context, kPatience);
  const auto stub = v1::Rollouts::NewStub(coordinator.channel());
  const auto stream = stub->RollOut(&context);
  v1::ActorMessage message;
  message.mutable_hello()->set_protocol_version(kProtocolVersion);
  message.mutable_hello()->set_worker_id(worker);
  *message.mutable_hello()->mutable_stage() = stage;
  stream->Write(message);
  v1::SinkMessage received;
  int sent = 0;
  while (stream->Read(&received)) {
    if (received.has_ack() && sent >= results) context.TryCancel();
    if (!received.has_request() || sent >= results) continue;
    const v1::RolloutRequest& request = received.request();
    std::vector<int64_t> episodes(request.episodes().end() - request.episodes().begin());
    std::iota(episodes.begin(), episodes.end(), request.episodes().begin());
    v1::RolloutResult& result = *message.mutable_result();
    result.set_request_id(request.id());
    result.set_last(true);
    *result.mutable_batch() = EpisodeBatch(episodes, steps_each,
                                           {.policy = request.policy(),
                                            .version = request.policy_version(),
                                            .action_mode = request.action_mode(),
                                            .record = request.record_size() == 2});
    stream->Write(message);
    ++sent;
  }
  return FromGrpc(stream->Finish());
}

v1::ExperimentSpec EmptyExperiment() {
  v1::ExperimentSpec spec;
  spec.set_name("test");
  spec.set_environment("CartPole-v1");
  return spec;
}

v1::TrainStage& AddTrain(v1::ExperimentSpec& spec, const std::string& policy) {
  v1::TrainStage& train = *spec.add_stages()->mutable_train();
  train.set_policy(policy);
  train.set_algorithm("ppo");
  return train;
}

v1::CollectStage& AddCollect(v1::ExperimentSpec& spec, const std::string& policy, const std::string& dataset,
                             int64_t transitions) {
  v1::CollectStage& collect = *spec.add_stages()->mutable_collect();
  collect.set_policy(policy);
  collect.set_dataset(dataset);
  collect.set_transitions(transitions);
  return collect;
}

v1::EvaluateStage& AddEvaluate(v1::ExperimentSpec& spec, const std::string& policy, int64_t episodes) {
  v1::EvaluateStage& evaluate = *spec.add_stages()->mutable_evaluate();
  evaluate.set_policy(policy);
  evaluate.set_episodes(episodes);
  return evaluate;
}

v1::ExperimentSpec OneTraining() {
  v1::ExperimentSpec spec = EmptyExperiment();
  AddTrain(spec, "expert");
  return spec;
}

void StoreExpert(CoordinatorHarness& test) {
  ASSERT_TRUE(test.store().AddPolicy(*TestSnapshot("expert", 1), v1::StageKey()).ok());
}

v1::FinishStageRequest Failure(const v1::StageKey& stage, const std::string& error) {
  v1::FinishStageRequest request;
  *request.mutable_stage() = stage;
  request.set_error(error);
  return request;
}

}  // namespace understudy::testing
