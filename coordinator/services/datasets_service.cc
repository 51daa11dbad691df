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

grpc::Status DatasetsService::List(grpc::ServerContext*, const v1::ListDatasetsRequest* request,
                                   v1::ListDatasetsResponse* response) {
  auto page = store_.ListDatasets({.size = request->page_size(), .token = request->page_token()});
  if (!page.ok()) return ToGrpc(page.status());
  for (v1::Dataset& dataset : page->items) *response->add_datasets() = std::move(dataset);
  response->set_next_page_token(std::move(page->next_token));
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

grpc::Status DatasetsService::Finish(grpc::ServerContext*, const v1::FinishDatasetRequest* request,
                                     v1::Dataset* response) {
  const absl::Status status = run_alone_([&]() -> absl::Status {
    if (absl::Status unused = CheckDatasetUnused(store_, request->name()); !unused.ok()) return unused;
    auto dataset = store_.FinishDataset(request->name());
    if (dataset.ok()) *response = *std::move(dataset);
    return dataset.status();
  });
  if (status.ok()) store_.ReleaseSpace();
  return ToGrpc(status);
}

// A large dataset takes minutes to delete, so the coordinator is not kept from other things meanwhile. An experiment
// that is submitted at the same instant finds no dataset, and says so.
grpc::Status DatasetsService::Delete(grpc::ServerContext*, const v1::DeleteDatasetRequest* request,
                                     v1::DeleteDatasetResponse*) {
  absl::Status status = run_alone_([&] { return CheckDatasetUnused(store_, request->name()); });
  if (status.ok()) status = store_.DeleteDataset(request->name());
  if (status.ok()) store_.ReleaseSpace();
  return ToGrpc(status);
}

}  // namespace understudy
