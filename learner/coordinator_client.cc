#include "learner/coordinator_client.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/process/reminder.h"
#include "common/rpc/channel.h"
#include "common/snapshot/checkpoint_chunks.h"
#include "common/trajectory/dataset_content.h"
#include "learner/checkpoint.h"
#include "understudy/v1/checkpoints.grpc.pb.h"
#include "understudy/v1/datasets.grpc.pb.h"
#include "understudy/v1/policy.grpc.pb.h"
#include "understudy/v1/workers.grpc.pb.h"

namespace understudy {
namespace {

constexpr absl::Duration kCallTimeout = absl::Seconds(10);
// Whole policies and datasets; the keepalive finds a dead peer long before.
constexpr absl::Duration kTransferTimeout = absl::Minutes(30);

// Of a call that was not cancelled on this side: the coordinator cancels what it has in hand when it stops.
bool IsTransient(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsCancelled(status);
}

}  // namespace

absl::Status CoordinatorClient::Retry(const char* what, Cancellation& cancellation, absl::Duration timeout,
                                      const std::function<absl::Status(const Channel&, grpc::ClientContext&)>& call) {
  Backoff backoff(absl::Milliseconds(50), kLongestReconnectPause, std::random_device{}());
  Reminder outage(absl::ZeroDuration(), absl::Seconds(10));
  for (;;) {
    if (absl::Status status = cancellation.Check(); !status.ok()) return status;
    // Shared, because the cancelling thread may still hold it when the call is over.
    const auto context = std::make_shared<grpc::ClientContext>();
    SetDeadline(*context, timeout);
    const Cancellation::Registration registration = cancellation.OnCancel([context] { context->TryCancel(); });
    const Coordinators::Peer coordinator = coordinators_->Current();
    const absl::Status status = call(coordinator.channel, *context);
    if (absl::Status cancelled = cancellation.Check(); !cancelled.ok()) return cancelled;
    const absl::Time now = absl::Now();
    const absl::Duration lasting = outage.lasting(now);
    if (!IsTransient(status)) {
      if (outage.End())
        spdlog::info("{}: the coordinator is back after {}", what,
                     absl::FormatDuration(absl::Trunc(lasting, absl::Milliseconds(10))));
      return status;
    }
    coordinators_->MoveOn(coordinator);
    outage.Begin(now);
    if (outage.Due(now)) {
      spdlog::warn("{}: the coordinator is away{} ({}), trying again", what, outage.LastingText(now),
                   ExplainConnecting(status, coordinators_->tls()).ToString());
    }
    cancellation.WaitFor(backoff.Next());
  }
}

absl::StatusOr<std::shared_ptr<const PolicySnapshot>> CoordinatorClient::DownloadPolicy(const std::string& name,
                                                                                        int64_t version,
                                                                                        Cancellation& cancellation) {
  v1::GetPolicyRequest request;
  request.set_name(name);
  request.set_version(version);
  std::shared_ptr<const PolicySnapshot> snapshot;
  const absl::Status status = Retry("download of a policy", cancellation, kTransferTimeout,
                                    [&](const Channel& channel, grpc::ClientContext& context) -> absl::Status {
                                      const auto reader = v1::Policies::NewStub(channel)->Download(&context, request);
                                      SnapshotAssembler assembler;
                                      v1::PolicyChunk chunk;
                                      while (reader->Read(&chunk)) {
                                        auto assembled = assembler.Add(chunk);
                                        if (!assembled.ok()) {
                                          context.TryCancel();
                                          reader->Finish();
                                          return assembled.status();
                                        }
                                        if (*assembled != nullptr) snapshot = *std::move(assembled);
                                      }
                                      return FromGrpc(reader->Finish());
                                    });
  if (!status.ok()) return status;
  if (snapshot == nullptr) {
    return absl::DataLossError(absl::StrCat("policy '", name, "@", version, "': the stream ended before its end"));
  }
  return snapshot;
}

absl::StatusOr<Demonstrations> CoordinatorClient::ReadDataset(const std::string& name, Cancellation& cancellation) {
  Demonstrations demonstrations;
  v1::GetDatasetRequest get;
  get.set_name(name);
  absl::Status status = Retry(
      "look-up of a dataset", cancellation, kCallTimeout, [&](const Channel& channel, grpc::ClientContext& context) {
        return FromGrpc(v1::Datasets::NewStub(channel)->Get(&context, get, &demonstrations.dataset));
      });
  if (!status.ok()) return status;

  const BatchExpectation expected = ExpectationOf(demonstrations.dataset.recipe());
  v1::ReadDatasetRequest read;
  read.set_name(name);
  status = Retry("read of a dataset", cancellation, kTransferTimeout,
                 [&](const Channel& channel, grpc::ClientContext& context) -> absl::Status {
                   const auto reader = v1::Datasets::NewStub(channel)->Read(&context, read);
                   v1::TrajectoryBatch batch;
                   while (reader->Read(&batch)) {
                     if (absl::Status valid = ValidateBatch(batch, expected); !valid.ok()) {
                       context.TryCancel();
                       reader->Finish();
                       return absl::DataLossError(absl::StrCat("dataset '", name, "': ", valid.message()));
                     }
                     // After a broken stream, go on behind what has arrived.
                     read.set_first_episode(batch.trajectories(batch.trajectories_size() - 1).episode() + 1);
                     demonstrations.batches.push_back(std::move(batch));
                   }
                   return FromGrpc(reader->Finish());
                 });
  if (!status.ok()) return status;
  return demonstrations;
}

absl::StatusOr<int64_t> CoordinatorClient::PublishPolicy(const v1::StageKey& stage, const PolicySnapshot& policy,
                                                         Cancellation& cancellation) {
  v1::PublishPolicyResponse response;
  const absl::Status status = Retry("publication of a policy", cancellation, kTransferTimeout,
                                    [&](const Channel& channel, grpc::ClientContext& context) {
                                      const auto writer = v1::Policies::NewStub(channel)->Publish(&context, &response);
                                      v1::PublishPolicyRequest request;
                                      *request.mutable_stage() = stage;
                                      if (writer->Write(request)) {
                                        SendInChunks(policy, [&](v1::PolicyChunk chunk) {
                                          *request.mutable_chunk() = std::move(chunk);
                                          return writer->Write(request);
                                        });
                                      }
                                      writer->WritesDone();
                                      return FromGrpc(writer->Finish());
                                    });
  if (!status.ok()) return status;
  return response.version();
}

absl::Status CoordinatorClient::ReportProgress(const v1::StageKey& stage, const v1::StageProgress& progress,
                                               Cancellation& cancellation) {
  v1::ProgressRequest request;
  *request.mutable_stage() = stage;
  *request.mutable_progress() = progress;
  return Retry("report of progress", cancellation, kCallTimeout,
               [&](const Channel& channel, grpc::ClientContext& context) {
                 v1::ProgressResponse response;
                 return FromGrpc(v1::Workers::NewStub(channel)->ReportProgress(&context, request, &response));
               });
}

absl::StatusOr<absl::Duration> CoordinatorClient::SaveCheckpoint(const v1::StageKey& stage,
                                                                 const v1::Checkpoint& checkpoint,
                                                                 Cancellation& cancellation) {
  auto began = std::chrono::steady_clock::now();
  const std::string content = checkpoint.SerializeAsString();
  const v1::CheckpointHeader header = MakeCheckpointHeader(stage, checkpoint.iteration(), content);
  const absl::Duration preparation = absl::FromChrono(std::chrono::steady_clock::now() - began);
  const absl::Status status =
      Retry("storing of a checkpoint", cancellation, kTransferTimeout,
            [&](const Channel& channel, grpc::ClientContext& context) {
              began = std::chrono::steady_clock::now();
              v1::SaveCheckpointResponse response;
              const auto writer = v1::Checkpoints::NewStub(channel)->Save(&context, &response);
              SendCheckpointInChunks(header, content, [&](v1::CheckpointChunk chunk) { return writer->Write(chunk); });
              writer->WritesDone();
              return FromGrpc(writer->Finish());
            });
  if (!status.ok()) return status;
  return preparation + absl::FromChrono(std::chrono::steady_clock::now() - began);
}

absl::StatusOr<std::optional<v1::Checkpoint>> CoordinatorClient::LoadCheckpoint(const v1::StageKey& stage,
                                                                                Cancellation& cancellation) {
  v1::LoadCheckpointRequest request;
  *request.mutable_stage() = stage;
  std::optional<std::string> content;
  const absl::Status status = Retry("download of a checkpoint", cancellation, kTransferTimeout,
                                    [&](const Channel& channel, grpc::ClientContext& context) -> absl::Status {
                                      const auto reader = v1::Checkpoints::NewStub(channel)->Load(&context, request);
                                      CheckpointAssembler assembler;
                                      v1::CheckpointChunk chunk;
                                      while (reader->Read(&chunk)) {
                                        const absl::StatusOr<bool> complete = assembler.Add(chunk);
                                        if (!complete.ok()) {
                                          context.TryCancel();
                                          reader->Finish();
                                          return absl::DataLossError(complete.status().message());
                                        }
                                        if (*complete) content = assembler.TakeContent();
                                      }
                                      return FromGrpc(reader->Finish());
                                    });
  if (absl::IsNotFound(status)) return std::nullopt;
  if (!status.ok()) return status;
  if (!content.has_value()) return absl::DataLossError("checkpoint: the stream ended before its end");
  absl::StatusOr<v1::Checkpoint> checkpoint = ParseCheckpoint(*content);
  if (!checkpoint.ok()) return absl::DataLossError(checkpoint.status().message());
  return *std::move(checkpoint);
}

absl::Status CoordinatorClient::FinishStage(const v1::FinishStageRequest& request, Cancellation& cancellation) {
  return Retry("report of the result", cancellation, kCallTimeout,
               [&](const Channel& channel, grpc::ClientContext& context) {
                 v1::FinishStageResponse response;
                 return FromGrpc(v1::Workers::NewStub(channel)->FinishStage(&context, request, &response));
               });
}

}  // namespace understudy
