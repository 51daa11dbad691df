// From the event that lets a stage begin to the assignments that follow from it.
#ifndef UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_STAGE_CLOCK_H_
#define UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_STAGE_CLOCK_H_

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/process/mutex.h"
#include "understudy/v1/policy.pb.h"

namespace understudy::simulation {

// Thread-safe. Experiments are known by their names, which no two share: their ids come with the answer to Submit, and
// assignments may come before that.
class StageClock {
 public:
  // An experiment is being submitted.
  void Submit(const std::string& name, absl::Time now);
  // What may be the last that the stage waits for is being sent: a result, or its end.
  void MayEnd(const v1::StageKey& stage, absl::Time now);
  // An assignment to a stage came. Returns when the event happened that let the stage begin; nullopt: it is not known.
  // The first call for a stage fixes that.
  std::optional<absl::Time> BeganAfter(const v1::StageKey& stage);

 private:
  // Name and number.
  using Stage = std::pair<std::string, int>;
  static Stage StageOf(const v1::StageKey& key);

  Mutex mutex_;
  std::map<Stage, absl::Time> may_have_ended_ ABSL_GUARDED_BY(mutex_);
  std::map<Stage, absl::Time> began_after_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace understudy::simulation

#endif  // UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_STAGE_CLOCK_H_
