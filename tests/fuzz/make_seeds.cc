// Writes seeds for the fuzzers: valid content, from which they mutate. fuzz_seeds CORPUS_DIRECTORY
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/rpc/protocol.h"
#include "common/snapshot/checkpoint_chunks.h"
#include "common/snapshot/policy_snapshot.h"
#include "common/trajectory/trajectory_layout.h"
#include "coordinator/storage/episode_codec.h"
#include "tests/fuzz/fuzz.h"
#include "tests/testing/checkpoints.h"
#include "tests/testing/trajectory_batches.h"
#include "understudy/v1/rollouts.pb.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {
namespace {

using fuzz::Output;

std::filesystem::path corpus;

void Write(const std::string& fuzzer, const std::string& name, const Output& content) {
  std::filesystem::create_directories(corpus / fuzzer);
  std::ofstream file(corpus / fuzzer / ("seed-" + name), std::ios::binary);
  file << content.bytes();
}

void WriteTrajectoryBatches() {
  Write("trajectory_batch", "episode", Output().Byte(0).Bytes(testing::EpisodeBatch({3}, 2).SerializeAsString()));
  Write("trajectory_batch", "recorded",
        Output().Byte(1).Bytes(testing::EpisodeBatch({0, 1}, 2, {.record = true}).SerializeAsString()));
  Write("trajectory_batch", "truncated", Output().Byte(0).Bytes(testing::EpisodeBatch({0}, 500).SerializeAsString()));
  v1::TrajectoryBatch box;
  box.set_environment("box");
  box.set_policy("expert");
  box.set_policy_version(1);
  box.set_action_mode(v1::ACTION_MODE_SAMPLE);
  v1::Trajectory& trajectory = *box.add_trajectories();
  trajectory.set_steps(1);
  trajectory.set_terminated(true);
  box.set_observations(std::string(8, '\0'));
  box.set_actions(std::string(8, '\0'));
  box.set_rewards(std::string(4, '\0'));
  box.set_log_probs(std::string(4, '\0'));
  Write("trajectory_batch", "box", Output().Byte(2).Bytes(box.SerializeAsString()));
}

void WritePolicyChunks() {
  const auto snapshot = testing::TestSnapshot("expert", 1);
  Output whole;
  Output parts;
  const v1::PolicyChunk header = MakeChunk(*snapshot, 0);
  parts.Byte(0).Piece(header.SerializeAsString());
  for (size_t at = 0; at < snapshot->parameters.size(); at += 64) {
    v1::PolicyChunk chunk;
    chunk.set_parameters(snapshot->parameters.substr(at, 64));
    parts.Byte(0).Piece(chunk.SerializeAsString());
  }
  SendInChunks(*snapshot, [&](const v1::PolicyChunk& chunk) {
    whole.Byte(0).Piece(chunk.SerializeAsString());
    return true;
  });
  Write("policy_chunks", "whole", whole);
  Write("policy_chunks", "parts", parts);
  Write("policy_chunks", "sealed", Output().Byte(1).Piece(header.SerializeAsString()).Piece("parameters12"));
}

void WriteStoredEpisodes() {
  for (const bool record : {false, true}) {
    v1::DatasetRecipe recipe;
    *recipe.mutable_environment() = testing::CartPoleSpec();
    recipe.mutable_policy()->set_name("expert");
    recipe.mutable_policy()->set_version(1);
    recipe.set_action_mode(v1::ACTION_MODE_SAMPLE);
    const v1::TrajectoryBatch batch = testing::EpisodeBatch({5}, 3, {.record = record});
    const TrajectoryView view = ViewTrajectories(batch, recipe.environment()).front();
    const EncodedEpisode row = EpisodeEncoder(recipe).Encode(view).value();
    const uint8_t recipe_choice = record ? 1 : 0;
    const std::string name = record ? "recorded" : "plain";
    Write("stored_episode", name,
          Output()
              .Byte(recipe_choice)
              .Number(row.number)
              .Number(row.steps)
              .Number(row.undiscounted_return)
              .Byte(row.terminated)
              .Byte(row.truncated)
              .Bytes(row.digest)
              .Bytes(row.content));
    Write("stored_episode", "sealed-" + name, Output().Byte(recipe_choice | 2).Bytes(batch.SerializeAsString()));
  }
}

void WriteCheckpoints() {
  const std::string ppo = testing::PpoCheckpoint(3).SerializeAsString();
  Write("checkpoint", "ppo", Output().Bytes(ppo));
  Write("checkpoint", "bc", Output().Bytes(testing::BcCheckpoint(3).SerializeAsString()));
  v1::StageKey stage;
  stage.set_experiment_id("cartpole-000001");
  stage.set_epoch(4);
  Output whole;
  SendCheckpointInChunks(MakeCheckpointHeader(stage, 3, ppo), ppo, [&](const v1::CheckpointChunk& chunk) {
    whole.Byte(0).Piece(chunk.SerializeAsString());
    return true;
  });
  Write("checkpoint_chunks", "whole", whole);
  v1::CheckpointChunk header;
  *header.mutable_header() = MakeCheckpointHeader(stage, 3, "x");
  Write("checkpoint_chunks", "sealed", Output().Byte(1).Piece(header.SerializeAsString()).Piece("content"));
}

void WriteWorkerMessages() {
  v1::WorkerHello hello;
  hello.set_protocol_version(kProtocolVersion);
  hello.set_worker_id("learner-1");
  hello.set_kind(v1::WORKER_KIND_LEARNER);
  hello.set_host("host");
  hello.set_pid(12);
  hello.set_rollouts_address("127.0.0.1:50052");
  Write("worker_messages", "hello", Output().Byte(0).Bytes(hello.SerializeAsString()));

  v1::TrajectoryAccounting accounting;
  accounting.set_produced(10);
  accounting.set_accepted(7);
  (*accounting.mutable_rejected())["surplus"] = 1;
  accounting.set_lost(1);
  accounting.set_in_flight(1);
  v1::WorkerHeartbeat heartbeat;
  heartbeat.set_epoch(3);
  heartbeat.set_steps_produced(77);
  *heartbeat.mutable_trajectories() = accounting;
  Write("worker_messages", "heartbeat", Output().Byte(1).Bytes(heartbeat.SerializeAsString()));

  v1::ProgressRequest progress;
  progress.mutable_stage()->set_experiment_id("cartpole-000001");
  progress.mutable_stage()->set_epoch(4);
  progress.mutable_progress()->set_iteration(2);
  progress.mutable_progress()->set_total(5);
  progress.mutable_progress()->set_unit("steps");
  (*progress.mutable_progress()->mutable_metrics())["loss"] = 0.5;
  *progress.mutable_progress()->mutable_trajectories() = accounting;
  Write("worker_messages", "progress", Output().Byte(2).Bytes(progress.SerializeAsString()));

  v1::FinishStageRequest finish;
  *finish.mutable_stage() = progress.stage();
  finish.mutable_result()->set_policy_version(1);
  finish.mutable_result()->set_updates(600);
  *finish.mutable_trajectories() = accounting;
  Write("worker_messages", "finish", Output().Byte(3).Bytes(finish.SerializeAsString()));
  finish.set_error("loss is NaN");
  Write("worker_messages", "failure", Output().Byte(3).Bytes(finish.SerializeAsString()));
}

// See rollout_fuzz.cc: an actor and an action, then what the action needs.
void WriteRollouts() {
  for (const std::string fuzzer : {"episode_results", "segment_results"}) {
    for (const uint8_t order : {0, 1}) {
      const std::string suffix = order == 0 ? "" : "-other";
      Write(fuzzer, "honest" + suffix,
            Output().Byte(order).Bytes(std::string("\0\0\0\3\1\0\0\xa0\0\xff\0\xff\0\3\1\3", 16)));
      Output spoilt;
      spoilt.Byte(order);
      for (uint8_t what = 0; what < 8; ++what) {
        spoilt.Byte(what % 3).Byte(0).Byte(what % 3).Byte(4).Byte(what).Byte(what * 17).Number(int64_t{what});
      }
      Write(fuzzer, "spoilt" + suffix, spoilt);
      v1::ActorMessage failure;
      failure.mutable_failure()->set_request_id(1);
      failure.mutable_failure()->set_message("no such policy");
      Write(fuzzer, "failure" + suffix,
            Output().Byte(order).Byte(0).Byte(0).Byte(0).Byte(2).Piece(failure.SerializeAsString()));
    }
  }
}

}  // namespace
}  // namespace understudy

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_seeds CORPUS_DIRECTORY\n");
    return 2;
  }
  understudy::corpus = argv[1];
  understudy::WriteTrajectoryBatches();
  understudy::WritePolicyChunks();
  understudy::WriteStoredEpisodes();
  understudy::WriteCheckpoints();
  understudy::WriteWorkerMessages();
  understudy::WriteRollouts();
  return 0;
}
