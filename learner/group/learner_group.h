// The learners that train one stage together: data-parallel training. They add up numbers, and exchange reports.
#ifndef UNDERSTUDY_LEARNER_GROUP_LEARNER_GROUP_H_
#define UNDERSTUDY_LEARNER_GROUP_LEARNER_GROUP_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "understudy/v1/ranks.pb.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// The part [begin, end) of a row of things that the ranks share.
struct Share {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t size() const { return end - begin; }
};

// Every rank runs the same program on its share of the data. All ranks call the same functions in the same order, and
// each call waits for the other ranks. A result is the same at all ranks, bit for bit, and depends only on what the
// ranks gave and on their number. Thread-compatible.
// Errors of every call: CANCELLED if this rank is to stop; GroupBroken if another rank has gone. After an error the
// group is of no use any more.
class LearnerGroup {
 public:
  virtual ~LearnerGroup() = default;

  // 0 … size() - 1.
  virtual int rank() const = 0;
  virtual int size() const = 0;

  // Replaces each number by the sum over all ranks. All ranks give equally many numbers.
  virtual absl::Status Sum(std::span<float> numbers) = 0;

  // Returns what each rank gave, from rank 0 on.
  virtual absl::StatusOr<std::vector<std::string>> Gather(std::string mine) = 0;

  // Sums numbers in double precision, which takes longer.
  absl::Status Sum(std::span<double> numbers);

  // Returns this rank's share of a row of `count` things. The shares of all ranks are as equal as can be.
  Share ShareOf(int64_t count) const { return {count * rank() / size(), count * (rank() + 1) / size()}; }
};

// A group of one learner.
class LoneLearner final : public LearnerGroup {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  using LearnerGroup::Sum;
  absl::Status Sum(std::span<float>) override { return absl::OkStatus(); }
  absl::StatusOr<std::vector<std::string>> Gather(std::string mine) override { return std::vector{std::move(mine)}; }
};

// Makes the status of a group that another rank has left. This rank is to meet the others again, and to go on from the
// last checkpoint. The code is ABORTED.
absl::Status GroupBroken(std::string_view why);
// Returns whether the status was made by GroupBroken. Other statuses may be ABORTED, too.
bool IsGroupBroken(const absl::Status& status);

// At the end of an iteration the ranks exchange reports, with the two functions below.

// Gives this rank's report to all ranks, and returns all reports, from rank 0 on.
// Errors: the group's; INTERNAL if a rank sent something else.
absl::StatusOr<std::vector<v1::RankReport>> ExchangeReports(LearnerGroup& group, const v1::RankReport& mine);

// Returns the sum of the counts of all ranks except `rank`.
v1::TrajectoryAccounting TrajectoriesOfOthers(const std::vector<v1::RankReport>& reports, int rank);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_GROUP_LEARNER_GROUP_H_
