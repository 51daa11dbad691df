#include "cli/dataset_export.h"

#include "absl/strings/str_cat.h"
#include "cli/step_lines.h"
#include "common/process/text.h"
#include "common/trajectory/dataset_content.h"

namespace understudy {
namespace {

absl::Status Count(const v1::TrajectoryBatch& batch, ExportCount& count) {
  for (const v1::Trajectory& trajectory : batch.trajectories()) {
    if (trajectory.episode() != count.episodes) {
      return absl::DataLossError(absl::StrCat("found episode ", trajectory.episode(), ", expected ", count.episodes));
    }
    ++count.episodes;
    count.transitions += trajectory.steps();
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExportCount> ExportDataset(Connection& connection, const std::string& name,
                                          const std::function<absl::Status(std::string_view)>& write) {
  v1::GetDatasetRequest get;
  get.set_name(name);
  const auto dataset = connection.Quick(&v1::Datasets::Stub::Get, connection.datasets(), get);
  if (!dataset.ok()) return dataset.status();
  const BatchExpectation expected = ExpectationOf(dataset->recipe());

  grpc::ClientContext context;  // cancels the stream where we return early
  v1::ReadDatasetRequest request;
  request.set_name(name);
  const auto reader = connection.datasets().Read(&context, request);
  ExportCount count;
  v1::TrajectoryBatch batch;
  std::string lines;
  const auto take = [&]() -> absl::Status {
    if (absl::Status status = ValidateBatch(batch, expected); !status.ok()) return status;
    if (absl::Status status = Count(batch, count); !status.ok()) return status;
    lines.clear();
    AppendStepLines(batch, expected.environment, lines);
    return write(lines);
  };
  while (reader->Read(&batch)) {
    if (absl::Status status = take(); !status.ok()) {
      context.TryCancel();
      return absl::Status(status.code(), absl::StrCat("dataset ", name, ": ", status.message()));
    }
  }
  if (absl::Status status = connection.Result(reader->Finish()); !status.ok()) return status;
  if (count.episodes != dataset->episodes() || count.transitions != dataset->transitions()) {
    return absl::DataLossError(absl::StrCat("dataset ", name, ": found ", CountText(count.episodes, "episode"),
                                            " with ", CountText(count.transitions, "transition"), ", expected ",
                                            CountText(dataset->episodes()), " with ",
                                            CountText(dataset->transitions())));
  }
  return count;
}

}  // namespace understudy
