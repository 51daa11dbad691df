#include "coordinator/services/checkpoints_service.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/rpc/channel.h"
#include "common/snapshot/checkpoint_chunks.h"

namespace understudy {
namespace {

constexpr absl::Duration kSaverPatience = absl::Seconds(10);
constexpr absl::Duration kLongestSave = absl::Minutes(30);
constexpr absl::Duration kReaderPatience = absl::Minutes(5);

absl::Status EndedEarly(const CheckpointAssembler& assembler) {
  if (assembler.header().size() == 0) return absl::InvalidArgumentError("the stream ended before the header");
  return absl::InvalidArgumentError(absl::StrCat("the stream ended before the checkpoint was complete: found ",
                                                 assembler.received_bytes(), " bytes of content, expected ",
                                                 assembler.header().size()));
}

}  // namespace

absl::Status CheckpointsService::Receive(grpc::ServerReader<v1::CheckpointChunk>& reader, StreamGuard& guard) {
  CheckpointAssembler assembler;
  v1::CheckpointChunk chunk;
  bool complete = false;
  while (guard.Do([&] { return reader.Read(&chunk); })) {
    if (complete) return absl::InvalidArgumentError("found a chunk after the last one, expected the end of the stream");
    absl::Status status = guard.Keep(static_cast<int64_t>(chunk.content().size()));
    if (!status.ok()) return status;
    const absl::StatusOr<bool> added = assembler.Add(chunk);
    if (!added.ok()) return added.status();
    complete = *added;
    // Checked before the content comes: a learner that may not store it need not send it.
    if (chunk.has_header()) status = check_epoch_(assembler.header().stage());
    if (!status.ok()) return status;
  }
  if (absl::Status patience = guard.Patience(); !patience.ok()) return patience;
  if (!complete) return EndedEarly(assembler);
  // Again: meanwhile the stage may have become another's.
  if (absl::Status status = check_epoch_(assembler.header().stage()); !status.ok()) return status;
  const v1::CheckpointHeader header = assembler.header();
  return store_.PutCheckpoint(header, assembler.TakeContent());
}

grpc::Status CheckpointsService::Save(grpc::ServerContext* context, grpc::ServerReader<v1::CheckpointChunk>* reader,
                                      v1::SaveCheckpointResponse*) {
  StreamGuard guard(saving_, *context, kSaverPatience, kLongestSave);
  if (absl::Status admitted = guard.Admission(); !admitted.ok()) return ToGrpc(admitted);
  return ToGrpc(Receive(*reader, guard));
}

grpc::Status CheckpointsService::Load(grpc::ServerContext* context, const v1::LoadCheckpointRequest* request,
                                      grpc::ServerWriter<v1::CheckpointChunk>* writer) {
  StreamGuard guard(loading_, *context, kReaderPatience);
  if (absl::Status admitted = guard.Admission(); !admitted.ok()) return ToGrpc(admitted);
  const v1::StageKey& stage = request->stage();
  if (absl::Status status = check_epoch_(stage); !status.ok()) return ToGrpc(status);
  const absl::StatusOr<StoredCheckpoint> stored = store_.GetCheckpoint(stage.experiment_id(), stage.stage());
  if (!stored.ok()) return ToGrpc(stored.status());
  absl::Status room = guard.Keep(static_cast<int64_t>(stored->content.size()));
  if (!room.ok()) return ToGrpc(room);
  const bool sent = SendCheckpointInChunks(stored->header, stored->content, [&](const v1::CheckpointChunk& chunk) {
    return guard.Do([&] { return writer->Write(chunk); });
  });
  return sent ? grpc::Status::OK : ToGrpc(absl::CancelledError("the reader has gone"));
}

}  // namespace understudy
