// What workers say of themselves: what passes is bounded, and counts nothing below zero.
#include <string>

#include "common/rpc/address.h"
#include "coordinator/services/worker_messages.h"
#include "tests/fuzz/fuzz.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {
namespace {

void CheckAccounting(const v1::TrajectoryAccounting& accounting) {
  fuzz::Require(accounting.produced() >= 0 && accounting.accepted() >= 0 && accounting.lost() >= 0 &&
                    accounting.in_flight() >= 0 && accounting.rejected_size() <= 16,
                "trajectories are counted from zero");
  for (const auto& [reason, count] : accounting.rejected()) {
    fuzz::Require(!reason.empty() && reason.size() <= 64 && count >= 0, "rejected ones too, for short reasons");
  }
}

void Check(const v1::WorkerHello& hello) {
  const absl::Status valid = ValidateHello(hello);
  if (absl::IsFailedPrecondition(valid)) return;  // another version
  if (!valid.ok()) return fuzz::RequireRefusal(valid);
  fuzz::Require(!hello.worker_id().empty() && hello.worker_id().size() <= 128, "ids are short");
  fuzz::Require(hello.host().size() <= 256, "hosts are short");
  fuzz::Require(hello.kind() == v1::WORKER_KIND_ACTOR || ParseAddress(hello.rollouts_address()).ok(),
                "a learner can be reached");
}

void Check(const v1::WorkerHeartbeat& heartbeat) {
  const absl::Status valid = ValidateHeartbeat(heartbeat);
  if (!valid.ok()) return fuzz::RequireRefusal(valid);
  fuzz::Require(heartbeat.epoch() >= 0 && heartbeat.steps_produced() >= 0, "totals are not negative");
  CheckAccounting(heartbeat.trajectories());
}

void Check(const v1::ProgressRequest& request) {
  const absl::Status valid = ValidateProgress(request);
  if (!valid.ok()) return fuzz::RequireRefusal(valid);
  const v1::StageProgress& progress = request.progress();
  fuzz::Require(progress.done() >= 0 && progress.total() >= 0 && progress.iteration() >= 0, "progress is forward");
  fuzz::Require(progress.metrics_size() <= 64 && progress.unit().size() <= 64, "and bounded");
  CheckAccounting(progress.trajectories());
}

void Check(const v1::FinishStageRequest& request) {
  const absl::Status valid = ValidateFinish(request);
  if (!valid.ok()) return fuzz::RequireRefusal(valid);
  fuzz::Require(request.error().size() <= 4096, "errors are short");
  CheckAccounting(request.trajectories());
}

template <typename Message>
void ParseAndCheck(std::string_view bytes) {
  Message message;
  if (message.ParseFromString(std::string(bytes))) Check(message);
}

}  // namespace
}  // namespace understudy

// One byte that says what it is, then the message.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace understudy;
  fuzz::Input input(data, size);
  const uint8_t kind = input.Byte();
  const std::string_view bytes = input.Rest();
  if (kind % 4 == 0) ParseAndCheck<v1::WorkerHello>(bytes);
  if (kind % 4 == 1) ParseAndCheck<v1::WorkerHeartbeat>(bytes);
  if (kind % 4 == 2) ParseAndCheck<v1::ProgressRequest>(bytes);
  if (kind % 4 == 3) ParseAndCheck<v1::FinishStageRequest>(bytes);
  return 0;
}
