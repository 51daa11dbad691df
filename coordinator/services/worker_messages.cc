#include "coordinator/services/worker_messages.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/channel.h"
#include "common/rpc/protocol.h"
#include "common/rpc/worker_session.h"

namespace understudy {
namespace {

constexpr size_t kLongestHost = 256;
constexpr int kMostMetrics = 64;
constexpr size_t kMostReasons = 16;
constexpr size_t kLongestName = 64;
constexpr size_t kLongestError = 4096;
constexpr size_t kLongestUnreachable = 2048;

// Names are shown on terminals, so they are not repeated here, and none may hold what a terminal obeys.
absl::Status CheckText(const char* field, const std::string& text, size_t shortest, size_t longest) {
  const bool printable = std::all_of(text.begin(), text.end(), [](unsigned char c) { return absl::ascii_isprint(c); });
  if (printable && text.size() >= shortest && text.size() <= longest) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, ": found ", text.size(), " bytes",
                                                 printable ? "" : " that are not all printable ASCII", ", expected ",
                                                 shortest, " to ", longest, " of printable ASCII"));
}

absl::Status CheckNotNegative(const char* field, int64_t number) {
  if (number >= 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, ": found ", number, ", expected at least 0"));
}

absl::Status CheckCount(const char* field, size_t found, size_t most) {
  if (found <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, ": found ", found, ", expected at most ", most));
}

absl::Status CheckAccounting(const v1::TrajectoryAccounting& accounting) {
  if (absl::Status status = CheckCount("trajectories.rejected", accounting.rejected_size(), kMostReasons);
      !status.ok()) {
    return status;
  }
  absl::Status status = CheckNotNegative("trajectories.produced", accounting.produced());
  status.Update(CheckNotNegative("trajectories.accepted", accounting.accepted()));
  status.Update(CheckNotNegative("trajectories.lost", accounting.lost()));
  status.Update(CheckNotNegative("trajectories.in_flight", accounting.in_flight()));
  for (const auto& [reason, count] : accounting.rejected()) {
    status.Update(CheckText("a reason of trajectories.rejected", reason, 1, kLongestName));
    status.Update(CheckNotNegative("a number of trajectories.rejected", count));
  }
  return status;
}

absl::Status CheckAddress(const v1::WorkerHello& hello) {
  if (hello.kind() == v1::WORKER_KIND_ACTOR) {
    if (hello.rollouts_address().empty()) return absl::OkStatus();
    return absl::InvalidArgumentError("rollouts_address: expected none of an actor");
  }
  const absl::Status valid = ValidateAddress(hello.rollouts_address());
  return valid.ok() ? valid : absl::InvalidArgumentError(absl::StrCat("rollouts_address: ", valid.message()));
}

}  // namespace

absl::Status ValidateHello(const v1::WorkerHello& hello) {
  if (hello.protocol_version() != kProtocolVersion) {
    return absl::FailedPreconditionError(absl::StrCat("protocol_version: found ", hello.protocol_version(),
                                                      ", expected ", kProtocolVersion,
                                                      ": run the same version of Understudy everywhere"));
  }
  if (absl::Status status = ValidateWorkerId(hello.worker_id()); !status.ok()) return status;
  if (absl::Status status = CheckText("host", hello.host(), 0, kLongestHost); !status.ok()) return status;
  if (absl::Status status = CheckNotNegative("pid", hello.pid()); !status.ok()) return status;
  if (hello.kind() != v1::WORKER_KIND_ACTOR && hello.kind() != v1::WORKER_KIND_LEARNER) {
    return absl::InvalidArgumentError(
        absl::StrCat("kind: found ", static_cast<int>(hello.kind()), ", expected an actor or a learner"));
  }
  return CheckAddress(hello);
}

absl::Status ValidateHeartbeat(const v1::WorkerHeartbeat& heartbeat) {
  absl::Status status = CheckNotNegative("epoch", heartbeat.epoch());
  status.Update(CheckNotNegative("steps_produced", heartbeat.steps_produced()));
  status.Update(CheckNotNegative("connected_actors", heartbeat.connected_actors()));
  status.Update(CheckNotNegative("without_actors_ms", heartbeat.without_actors_ms()));
  status.Update(CheckNotNegative("without_ranks_ms", heartbeat.without_ranks_ms()));
  status.Update(CheckText("unreachable", heartbeat.unreachable(), 0, kLongestUnreachable));
  status.Update(CheckAccounting(heartbeat.trajectories()));
  return status;
}

absl::Status ValidateProgress(const v1::ProgressRequest& request) {
  const v1::StageProgress& progress = request.progress();
  absl::Status status = CheckCount("progress.metrics", progress.metrics_size(), kMostMetrics);
  if (!status.ok()) return status;
  status.Update(CheckNotNegative("progress.iteration", progress.iteration()));
  status.Update(CheckNotNegative("progress.done", progress.done()));
  status.Update(CheckNotNegative("progress.total", progress.total()));
  status.Update(CheckNotNegative("progress.steps", progress.steps()));
  status.Update(CheckText("progress.unit", progress.unit(), 0, kLongestName));
  for (const auto& [name, value] : progress.metrics()) {
    status.Update(CheckText("a name of progress.metrics", name, 1, kLongestName));
  }
  status.Update(CheckAccounting(progress.trajectories()));
  return status;
}

absl::Status ValidateFinish(const v1::FinishStageRequest& request) {
  const v1::TrainResult& result = request.result();
  absl::Status status = CheckNotNegative("result.environment_steps", result.environment_steps());
  status.Update(CheckNotNegative("result.evaluation_episodes", result.evaluation_episodes()));
  status.Update(CheckNotNegative("result.updates", result.updates()));
  status.Update(CheckNotNegative("result.iterations", result.iterations()));
  status.Update(CheckCount("bytes of error", request.error().size(), kLongestError));
  status.Update(CheckAccounting(request.trajectories()));
  return status;
}

}  // namespace understudy
