#include "tests/benchmarks/cluster/stage_clock.h"

namespace understudy::simulation {

// An id is the name, a dash and some digits.
StageClock::Stage StageClock::StageOf(const v1::StageKey& key) {
  return {key.experiment_id().substr(0, key.experiment_id().rfind('-')), key.stage()};
}

void StageClock::Submit(const std::string& name, absl::Time now) {
  MutexLock lock(mutex_);
  began_after_[{name, 0}] = now;
}

void StageClock::MayEnd(const v1::StageKey& stage, absl::Time now) {
  MutexLock lock(mutex_);
  may_have_ended_[StageOf(stage)] = now;
}

std::optional<absl::Time> StageClock::BeganAfter(const v1::StageKey& key) {
  const Stage stage = StageOf(key);
  MutexLock lock(mutex_);
  if (const auto known = began_after_.find(stage); known != began_after_.end()) return known->second;
  const auto before = may_have_ended_.find({stage.first, stage.second - 1});
  if (before == may_have_ended_.end()) return std::nullopt;
  return began_after_[stage] = before->second;
}

}  // namespace understudy::simulation
