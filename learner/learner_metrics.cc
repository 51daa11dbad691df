#include <algorithm>

#include "learner/learner.h"

namespace understudy {

void Learner::AddMetrics(Scrape& scrape) {
  std::shared_ptr<StageJob> job;
  {
    MutexLock lock(mutex_);
    job = desired_;
    scrape.Add(kSuperseded, static_cast<double>(superseded_));
  }
  const LearnerSink::Observation sink = sink_.Observe();
  const LearnerSink::ActorStatus actors = sink_.actor_status();
  scrape.Add("sink", sink.trajectories);
  scrape.Add(kRequestsLeased, static_cast<double>(sink.leased));
  scrape.Add(kConnectedActors, actors.connected);
  scrape.Add(kWithoutActors, absl::ToDoubleSeconds(actors.without_actors));
  scrape.Add(kPolicyVersion, static_cast<double>(sink.policy_version));
  scrape.Add(kStage, job == nullptr ? 0 : 1);
  v1::StageProgress progress;
  size_t queued = 0;
  if (job != nullptr) {
    MutexLock lock(job->mutex);
    progress = job->progress;
    queued = job->reports_queued;
  }
  scrape.Add(kReportsQueued, static_cast<double>(queued));
  scrape.Add(kIteration, static_cast<double>(progress.iteration()));
  // Between stages, and before a stage's first order, nothing is asked for.
  const int64_t lag = sink.policy_version == 0 ? 0 : progress.iteration() - sink.policy_version;
  scrape.Add(kPolicyLag, static_cast<double>(std::max<int64_t>(lag, 0)));
  const auto mean = progress.metrics().find("mean_return");
  if (mean != progress.metrics().end()) scrape.Add(kMeanReturn, mean->second);
}

}  // namespace understudy
