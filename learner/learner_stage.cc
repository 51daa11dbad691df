#include "learner/learner_stage.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace understudy {

LearnerStage::LearnerStage(StageJob& job, CoordinatorClient& client, RolloutSink& sink)
    : job_(job), client_(client), sink_(sink), reporter_(client, job.work.stage(), job.cancellation) {}

absl::Status LearnerStage::Start(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy,
                                 bool background) {
  return sink_.Start(std::move(order), std::move(policy), background);
}

absl::Status LearnerStage::Await(const Order& order) { return sink_.Await(order, job_.cancellation); }

bool LearnerStage::Ready(const Order& order) const { return sink_.Ready(order); }

void LearnerStage::Drop(const Order& order) { sink_.Drop(order); }

v1::TrajectoryAccounting LearnerStage::trajectories() const {
  return Sum(job_.trajectories_before, sink_.accounting());
}

absl::StatusOr<Demonstrations> LearnerStage::ReadDemonstrations() {
  return client_.ReadDataset(job_.work.train().dataset(), job_.cancellation);
}

absl::Status LearnerStage::Report(const v1::StageProgress& progress) {
  v1::StageProgress complete = progress;
  if (!complete.has_trajectories()) *complete.mutable_trajectories() = trajectories();
  {
    MutexLock lock(job_.mutex);
    job_.progress = complete;
    job_.reports_queued = reporter_.queued() + 1;
  }
  return reporter_.Report(complete);
}

bool LearnerStage::CheckpointDue() { return job_.draining || reporter_.CheckpointDue(); }

absl::Status LearnerStage::SaveCheckpoint(v1::Checkpoint checkpoint) {
  const bool last = job_.draining;
  if (last) job_.saving = true;
  const int64_t iteration = checkpoint.iteration();
  *checkpoint.mutable_trajectories() = trajectories();
  if (absl::Status status = reporter_.SaveCheckpoint(std::move(checkpoint)); !status.ok() || !last) return status;
  if (absl::Status status = reporter_.Flush(); !status.ok()) return status;
  job_.cancellation.Cancel(absl::StrCat("the learner is stopping; iteration ", iteration, " is stored"));
  return job_.cancellation.Check();
}

absl::Status LearnerStage::CheckCancelled() const { return job_.cancellation.Check(); }

}  // namespace understudy
