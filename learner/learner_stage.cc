#include "learner/learner_stage.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace understudy {

LearnerStage::LearnerStage(StageJob& job, CoordinatorClient& client, LearnerSink& sink, LearnerGroup& group)
    : job_(job), client_(client), sink_(sink), group_(group), reporter_(client, job.work.stage(), job.cancellation) {}

absl::Status LearnerStage::Start(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy,
                                 bool background) {
  return sink_.Start(std::move(order), std::move(policy), background);
}

absl::Status LearnerStage::Await(const Order& order) { return sink_.Await(order, job_.cancellation); }

bool LearnerStage::Ready(const Order& order) const { return sink_.Ready(order); }

void LearnerStage::Drop(const Order& order) { sink_.Drop(order); }

v1::TrajectoryAccounting LearnerStage::trajectories() const {
  return Sum(Sum(job_.trajectories_before, job_.trajectories_elsewhere), sink_.accounting());
}

absl::StatusOr<std::vector<v1::RankReport>> LearnerStage::Exchange(v1::RankReport mine) {
  leaving_ = job_.draining;
  mine.set_draining(leaving_);
  *mine.mutable_trajectories() = sink_.accounting();
  auto reports = ExchangeReports(group_, mine);
  if (!reports.ok()) return reports;
  draining_ = std::any_of(reports->begin(), reports->end(), [](const auto& report) { return report.draining(); });
  job_.trajectories_elsewhere = TrajectoriesOfOthers(*reports, group_.rank());
  return reports;
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

bool LearnerStage::CheckpointDue() {
  // Nobody has to agree with who is alone.
  if (group_.size() == 1) draining_ = leaving_ = job_.draining;
  return draining_ || reporter_.CheckpointDue();
}

absl::Status LearnerStage::SaveCheckpoint(v1::Checkpoint checkpoint) {
  if (leaving_) job_.saving = true;
  if (group_.rank() == 0) {
    *checkpoint.mutable_trajectories() = trajectories();
    if (absl::Status status = reporter_.SaveCheckpoint(std::move(checkpoint)); !status.ok()) return status;
  }
  if (!draining_) return absl::OkStatus();
  if (absl::Status status = reporter_.Flush(); !status.ok()) return status;
  // Nobody leaves before rank 0 has stored it.
  if (const auto stored = group_.Gather(""); !stored.ok()) return stored.status();
  if (!leaving_) return absl::OkStatus();
  job_.cancellation.Cancel("the learner is stopping; the iteration in hand is stored");
  return job_.cancellation.Check();
}

absl::Status LearnerStage::CheckCancelled() const { return job_.cancellation.Check(); }

}  // namespace understudy
