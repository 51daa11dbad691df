#include "coordinator/services/policies_service.h"

#include <utility>

#include "common/rpc/channel.h"

namespace understudy {
namespace {

constexpr absl::Duration kPublisherPatience = absl::Seconds(10);
constexpr absl::Duration kLongestPublication = absl::Minutes(30);
constexpr absl::Duration kReaderPatience = absl::Minutes(5);

// The snapshot that the chunks on a Publish stream make up.
absl::StatusOr<std::shared_ptr<PolicySnapshot>> ReadSnapshot(grpc::ServerReader<v1::PublishPolicyRequest>& reader,
                                                             StreamGuard& guard) {
  SnapshotAssembler assembler;
  v1::PublishPolicyRequest message;
  while (guard.Do([&] { return reader.Read(&message); })) {
    if (!message.has_chunk()) return absl::InvalidArgumentError("expected chunks after the stage");
    absl::Status room = guard.Keep(static_cast<int64_t>(message.chunk().parameters().size()));
    if (!room.ok()) return room;
    auto snapshot = assembler.Add(message.chunk());
    if (!snapshot.ok() || *snapshot != nullptr) return snapshot;
  }
  absl::Status status = guard.Patience();
  status.Update(absl::InvalidArgumentError("the stream ended before the policy was complete"));
  return status;
}

}  // namespace

grpc::Status PoliciesService::List(grpc::ServerContext*, const v1::ListPoliciesRequest* request,
                                   v1::ListPoliciesResponse* response) {
  auto page = store_.ListPolicies({.size = request->page_size(), .token = request->page_token()});
  if (!page.ok()) return ToGrpc(page.status());
  for (v1::StoredPolicy& policy : page->items) *response->add_policies() = std::move(policy);
  response->set_next_page_token(std::move(page->next_token));
  return grpc::Status::OK;
}

grpc::Status PoliciesService::Delete(grpc::ServerContext*, const v1::DeletePolicyRequest* request,
                                     v1::DeletePolicyResponse* response) {
  const absl::Status status = run_alone_([&]() -> absl::Status {
    if (absl::Status unused = CheckPolicyUnused(store_, request->name(), request->version()); !unused.ok())
      return unused;
    const auto deleted = store_.DeletePolicy(request->name(), request->version());
    response->set_versions(deleted.value_or(0));
    return deleted.status();
  });
  if (status.ok()) store_.ReleaseSpace();
  return ToGrpc(status);
}

grpc::Status PoliciesService::Get(grpc::ServerContext*, const v1::GetPolicyRequest* request,
                                  v1::StoredPolicy* response) {
  auto policy = store_.GetPolicy(request->name(), request->version());
  if (!policy.ok()) return ToGrpc(policy.status());
  *response = *std::move(policy);
  return grpc::Status::OK;
}

grpc::Status PoliciesService::Download(grpc::ServerContext* context, const v1::GetPolicyRequest* request,
                                       grpc::ServerWriter<v1::PolicyChunk>* writer) {
  StreamGuard guard(downloading_, *context, kReaderPatience);
  if (absl::Status admitted = guard.Admission(); !admitted.ok()) return ToGrpc(admitted);
  // Room first: a reader that does not read holds the whole of it.
  const auto stored = store_.GetPolicy(request->name(), request->version());
  if (!stored.ok()) return ToGrpc(stored.status());
  const int64_t bytes = stored->header().parameter_count() * static_cast<int64_t>(sizeof(float));
  if (absl::Status room = guard.Keep(bytes); !room.ok()) return ToGrpc(room);
  const auto policy = store_.LoadPolicy(request->name(), stored->header().version());
  if (!policy.ok()) return ToGrpc(policy.status());
  const bool sent = SendInChunks(
      **policy, [&](const v1::PolicyChunk& chunk) { return guard.Do([&] { return writer->Write(chunk); }); });
  return sent ? grpc::Status::OK : ToGrpc(absl::CancelledError("the reader has gone"));
}

grpc::Status PoliciesService::Publish(grpc::ServerContext* context,
                                      grpc::ServerReader<v1::PublishPolicyRequest>* reader,
                                      v1::PublishPolicyResponse* response) {
  if (publisher_ == nullptr) return ToGrpc(absl::FailedPreconditionError("policies are not published here"));
  StreamGuard guard(publishing_, *context, kPublisherPatience, kLongestPublication);
  if (absl::Status admitted = guard.Admission(); !admitted.ok()) return ToGrpc(admitted);
  v1::PublishPolicyRequest first;
  if (!guard.Do([&] { return reader->Read(&first); }) || !first.has_stage()) {
    if (absl::Status patience = guard.Patience(); !patience.ok()) return ToGrpc(patience);
    return ToGrpc(absl::InvalidArgumentError("expected the stage as the first message"));
  }
  if (absl::Status status = check_epoch_(first.stage()); !status.ok()) return ToGrpc(status);
  auto snapshot = ReadSnapshot(*reader, guard);
  if (!snapshot.ok()) return ToGrpc(snapshot.status());
  // Here, where nobody else waits for it.
  (*snapshot)->header.set_digest((*snapshot)->Digest());
  const auto version = publisher_(first.stage(), *std::move(snapshot));
  if (!version.ok()) return ToGrpc(version.status());
  response->set_version(*version);
  return grpc::Status::OK;
}

}  // namespace understudy
