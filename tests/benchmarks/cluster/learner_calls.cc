#include "tests/benchmarks/cluster/learner_calls.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/rpc/channel.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy::simulation {
namespace {

constexpr int kCallThreads = 4;
constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr absl::Duration kReportInterval = absl::Seconds(1);
// Lengths of training come in a fixed order that looks like none.
constexpr int64_t kShares = 20;
constexpr int64_t kStride = 7;

}  // namespace

LearnerCalls::LearnerCalls(std::shared_ptr<grpc::Channel> channel, StageClock& clock, LearnerOptions options)
    : channel_(std::move(channel)), clock_(clock), options_(options), calls_(kCallThreads) {}

LearnerCalls::~LearnerCalls() { Stop(); }

void LearnerCalls::Stop() {
  stopping_ = true;
  calls_.Stop();
  for (std::thread& thread : series_) thread.join();
  series_.clear();
}

void LearnerCalls::KeepRunning(int count) {
  for (int series = 0; series < count; ++series) series_.emplace_back(&LearnerCalls::RunExperiments, this, series);
}

void LearnerCalls::RunExperiments(int series) {
  for (int number = 0; !stopping_; ++number) {
    const v1::Status ended = RunExperiment(absl::StrCat("sim-", series, "-", number), series);
    if (stopping_) return;
    ++(ended == v1::STATUS_SUCCEEDED ? succeeded_ : failed_);
  }
}

v1::Status LearnerCalls::RunExperiment(const std::string& name, int series) {
  v1::SubmitRequest request;
  v1::ExperimentSpec& spec = *request.mutable_spec();
  spec.set_name(name);
  spec.set_environment("CartPole-v1");
  const std::string policy = absl::StrCat("policy-", series);
  spec.add_stages()->mutable_train()->set_policy(policy);
  spec.mutable_stages(0)->mutable_train()->set_algorithm("ppo");
  v1::CollectStage& collect = *spec.add_stages()->mutable_collect();
  collect.set_policy(policy);
  collect.set_dataset(name);
  collect.set_episodes(options_.episodes);
  v1::EvaluateStage& evaluate = *spec.add_stages()->mutable_evaluate();
  evaluate.set_policy(policy);
  evaluate.set_episodes(options_.episodes);

  const auto stub = v1::Experiments::NewStub(channel_);
  grpc::ClientContext submit;
  SetDeadline(submit, kPatience);
  v1::SubmitResponse submitted;
  clock_.Submit(name, absl::Now());
  if (!stub->Submit(&submit, request, &submitted).ok()) return v1::STATUS_UNSPECIFIED;

  v1::WatchExperimentRequest watched;
  watched.set_id(submitted.id());
  v1::Experiment experiment;
  while (!stopping_ && experiment.finished_unix_ms() == 0) {
    grpc::ClientContext watch;
    SetDeadline(watch, absl::Seconds(2));
    const auto reader = stub->Watch(&watch, watched);
    while (reader->Read(&experiment)) {
    }
    reader->Finish();
  }
  return experiment.status();
}

void LearnerCalls::Train(const v1::LearnerWork& work) {
  // Stages of one length would all end at once.
  const double share = 0.1 + 1.8 * static_cast<double>(trained_++ * kStride % kShares) / kShares;
  calls_.After(kReportInterval, [this, work] { Progress(work, 1); });
  calls_.After(options_.training * share, [this, work] { Finish(work); });
}

void LearnerCalls::Progress(const v1::LearnerWork& work, int iteration) {
  grpc::ClientContext context;
  SetDeadline(context, kPatience);
  v1::ProgressRequest request;
  *request.mutable_stage() = work.stage();
  request.mutable_progress()->set_iteration(iteration);
  (*request.mutable_progress()->mutable_metrics())["loss"] = 1.0 / iteration;
  v1::ProgressResponse response;
  // It ends with ABORTED once the stage has ended.
  if (!v1::Workers::NewStub(channel_)->ReportProgress(&context, request, &response).ok()) return;
  calls_.After(kReportInterval, [this, work, iteration] { Progress(work, iteration + 1); });
}

void LearnerCalls::Finish(const v1::LearnerWork& work) {
  const auto snapshot = testing::TestSnapshot(work.train().policy(), 1);
  grpc::ClientContext publish;
  SetDeadline(publish, kPatience);
  v1::PublishPolicyResponse published;
  const auto writer = v1::Policies::NewStub(channel_)->Publish(&publish, &published);
  v1::PublishPolicyRequest first;
  *first.mutable_stage() = work.stage();
  writer->Write(first);
  SendInChunks(*snapshot, [&writer](v1::PolicyChunk chunk) {
    v1::PublishPolicyRequest message;
    *message.mutable_chunk() = std::move(chunk);
    return writer->Write(message);
  });
  writer->WritesDone();
  if (!writer->Finish().ok()) return;

  grpc::ClientContext finish;
  SetDeadline(finish, kPatience);
  v1::FinishStageRequest request;
  *request.mutable_stage() = work.stage();
  request.mutable_result()->set_policy_version(published.version());
  request.mutable_result()->set_policy_digest(snapshot->Digest());
  v1::FinishStageResponse response;
  clock_.MayEnd(work.stage(), absl::Now());
  v1::Workers::NewStub(channel_)->FinishStage(&finish, request, &response);
}

}  // namespace understudy::simulation
