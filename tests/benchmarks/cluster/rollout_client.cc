#include "tests/benchmarks/cluster/rollout_client.h"

#include <numeric>
#include <utility>
#include <vector>

#include "common/rpc/protocol.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy::simulation {
namespace {

v1::TrajectoryBatch MakeEpisodes(const v1::RolloutRequest& request) {
  // What costs time is their content, and nobody compares it.
  static const v1::TrajectoryBatch one = testing::EpisodeBatch({0}, kStepsPerEpisode);
  v1::TrajectoryBatch batch;
  batch.set_environment(one.environment());
  batch.set_policy(request.policy());
  batch.set_policy_version(request.policy_version());
  batch.set_action_mode(request.action_mode());
  for (int64_t number = request.episodes().begin(); number < request.episodes().end(); ++number) {
    *batch.add_trajectories() = one.trajectories(0);
    batch.mutable_trajectories()->rbegin()->set_episode(number);
    batch.mutable_observations()->append(one.observations());
    batch.mutable_actions()->append(one.actions());
    batch.mutable_rewards()->append(one.rewards());
    batch.mutable_log_probs()->append(one.log_probs());
  }
  return batch;
}

}  // namespace

std::atomic<int64_t> RolloutClient::accepted_ = 0;

std::shared_ptr<RolloutClient> RolloutClient::Begin(v1::Rollouts::Stub& stub, const std::string& worker,
                                                    const v1::StageKey& stage, std::function<void()> on_result,
                                                    std::function<void(const grpc::Status&)> on_end) {
  std::shared_ptr<RolloutClient> client(new RolloutClient(std::move(on_result), std::move(on_end)));
  client->self_ = client;
  stub.async()->RollOut(&client->context_, client.get());
  client->StartRead(&client->incoming_);
  {
    MutexLock lock(client->mutex_);
    v1::ActorHello& hello = *client->outgoing_.emplace_back().mutable_hello();
    hello.set_protocol_version(kProtocolVersion);
    hello.set_worker_id(worker);
    *hello.mutable_stage() = stage;
    client->StartWrite(&client->outgoing_.front());
  }
  client->StartCall();
  return client;
}

void RolloutClient::Answer(const v1::RolloutRequest& request) {
  v1::ActorMessage message;
  message.mutable_result()->set_request_id(request.id());
  message.mutable_result()->set_last(true);
  *message.mutable_result()->mutable_batch() = MakeEpisodes(request);
  MutexLock lock(mutex_);
  outgoing_.push_back(std::move(message));
  WriteNext();
}

void RolloutClient::WriteNext() {
  if (writing_ || outgoing_.empty()) return;
  writing_ = true;
  on_result_();
  StartWrite(&outgoing_.front());
}

void RolloutClient::OnReadDone(bool ok) {
  if (!ok) return;
  if (incoming_.has_request()) Answer(incoming_.request());
  if (incoming_.has_ack()) accepted_ += incoming_.ack().accepted() * kStepsPerEpisode;
  StartRead(&incoming_);
}

void RolloutClient::OnWriteDone(bool ok) {
  MutexLock lock(mutex_);
  if (!ok) return;
  writing_ = false;
  outgoing_.pop_front();
  WriteNext();
}

void RolloutClient::OnDone(const grpc::Status& status) {
  on_end_(status);
  const std::shared_ptr<RolloutClient> last_reference = std::move(self_);
}

}  // namespace understudy::simulation
