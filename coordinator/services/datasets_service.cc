#include "coordinator/services/datasets_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/process/text.h"
#include "common/rpc/channel.h"

namespace understudy {
namespace {

constexpr int64_t kBatchBytes = int64_t{1} << 20;
constexpr absl::Duration kReaderPatience = absl::Minutes(5);

}  // namespace

grpc::Status DatasetsService::List(grpc::ServerContext*, const v1::ListDatasetsRequest*,
                                   v1::ListDatasetsResponse* response) {
  auto datasets = store_.ListDatasets();
  if (!datasets.ok()) return ToGrpc(datasets.status());
  for (v1::Dataset& dataset : *datasets) *response->add_datasets() = std::move(dataset);
  return grpc::Status::OK;
}

grpc::Status DatasetsService::Get(grpc::ServerContext*, const v1::GetDatasetRequest* request, v1::Dataset* response) {
  auto dataset = store_.GetDataset(request->name());
  if (!dataset.ok()) return ToGrpc(dataset.status());
  *response = *std::move(dataset);
  return grpc::Status::OK;
}

grpc::Status DatasetsService::Digest(grpc::ServerContext*, const v1::DigestDatasetRequest* request,
                                     v1::DigestDatasetResponse* response) {
  auto digest = store_.ComputeDatasetDigest(request->name());
  if (!digest.ok()) return ToGrpc(digest.status());
  response->set_digest(*std::move(digest));
  return grpc::Status::OK;
}

grpc::Status DatasetsService::Verify(grpc::ServerContext*, const v1::VerifyDatasetRequest* request,
                                     v1::VerifyDatasetResponse* response) {
  auto verified = store_.VerifyDataset(request->name());
  if (!verified.ok()) return ToGrpc(verified.status());
  *response = *std::move(verified);
  return grpc::Status::OK;
}

grpc::Status DatasetsService::Read(grpc::ServerContext* context, const v1::ReadDatasetRequest* request,
                                   grpc::ServerWriter<v1::TrajectoryBatch>* writer) {
  if (request->first_episode() < 0) {
    return ToGrpc(absl::InvalidArgumentError(
        absl::StrCat("first_episode: found ", request->first_episode(), ", expected 0 or more")));
  }
  StreamGuard guard(reading_, *context, kReaderPatience);
  if (absl::Status admitted = guard.Admission(); !admitted.ok()) return ToGrpc(admitted);
  const auto dataset = store_.GetDataset(request->name());
  if (!dataset.ok()) return ToGrpc(dataset.status());
  if (!dataset->complete()) {
    return ToGrpc(absl::FailedPreconditionError(
        absl::StrCat("dataset ", request->name(), " is not complete: ", CountText(dataset->transitions(), "transition"),
                     " so far")));
  }
  return ToGrpc(store_.ReadEpisodes(request->name(), request->first_episode(), kBatchBytes,
                                    [&](const v1::TrajectoryBatch& batch) {
                                      const bool written = guard.Do([&] { return writer->Write(batch); });
                                      return written ? absl::OkStatus() : absl::CancelledError("the reader has gone");
                                    }));
}

grpc::Status DatasetsService::Delete(grpc::ServerContext*, const v1::DeleteDatasetRequest* request,
                                     v1::DeleteDatasetResponse*) {
  if (find_user_ != nullptr) {
    const auto user = find_user_(request->name());
    if (!user.ok()) return ToGrpc(user.status());
    if (!user->empty()) {
      return ToGrpc(absl::FailedPreconditionError(
          absl::StrCat("dataset ", request->name(), " is in use by experiment ", *user, ": cancel it first")));
    }
  }
  return ToGrpc(store_.DeleteDataset(request->name()));
}

}  // namespace understudy
