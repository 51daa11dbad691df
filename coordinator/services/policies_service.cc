#include "coordinator/services/policies_service.h"

#include <utility>

#include "common/rpc/channel.h"

namespace understudy {
namespace {

// The snapshot that the chunks on a Publish stream make up.
absl::StatusOr<std::shared_ptr<const PolicySnapshot>> ReadSnapshot(
    grpc::ServerReader<v1::PublishPolicyRequest>& reader) {
  SnapshotAssembler assembler;
  v1::PublishPolicyRequest message;
  while (reader.Read(&message)) {
    if (!message.has_chunk()) return absl::InvalidArgumentError("expected chunks after the stage");
    auto snapshot = assembler.Add(message.chunk());
    if (!snapshot.ok() || *snapshot != nullptr) return snapshot;
  }
  return absl::InvalidArgumentError("the stream ended before the policy was complete");
}

}  // namespace

grpc::Status PoliciesService::List(grpc::ServerContext*, const v1::ListPoliciesRequest*,
                                   v1::ListPoliciesResponse* response) {
  auto policies = store_.ListPolicies();
  if (!policies.ok()) return ToGrpc(policies.status());
  for (v1::StoredPolicy& policy : *policies) *response->add_policies() = std::move(policy);
  return grpc::Status::OK;
}

grpc::Status PoliciesService::Get(grpc::ServerContext*, const v1::GetPolicyRequest* request,
                                  v1::StoredPolicy* response) {
  auto policy = store_.GetPolicy(request->name(), request->version());
  if (!policy.ok()) return ToGrpc(policy.status());
  *response = *std::move(policy);
  return grpc::Status::OK;
}

grpc::Status PoliciesService::Download(grpc::ServerContext*, const v1::GetPolicyRequest* request,
                                       grpc::ServerWriter<v1::PolicyChunk>* writer) {
  const auto policy = store_.LoadPolicy(request->name(), request->version());
  if (!policy.ok()) return ToGrpc(policy.status());
  const bool sent = SendInChunks(**policy, [writer](const v1::PolicyChunk& chunk) { return writer->Write(chunk); });
  return sent ? grpc::Status::OK : ToGrpc(absl::CancelledError("the reader has gone"));
}

grpc::Status PoliciesService::Publish(grpc::ServerContext*, grpc::ServerReader<v1::PublishPolicyRequest>* reader,
                                      v1::PublishPolicyResponse* response) {
  if (publisher_ == nullptr) return ToGrpc(absl::FailedPreconditionError("policies are not published here"));
  v1::PublishPolicyRequest first;
  if (!reader->Read(&first) || !first.has_stage()) {
    return ToGrpc(absl::InvalidArgumentError("expected the stage as the first message"));
  }
  auto snapshot = ReadSnapshot(*reader);
  if (!snapshot.ok()) return ToGrpc(snapshot.status());
  const auto version = publisher_(first.stage(), *std::move(snapshot));
  if (!version.ok()) return ToGrpc(version.status());
  response->set_version(*version);
  return grpc::Status::OK;
}

}  // namespace understudy
