// The learners that train one stage together: data-parallel training.
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

namespace understudy {

// [begin, end) of things that ranks share.
struct Share {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t size() const { return end - begin; }
};

// Every rank runs the same program on its share of the data. All call the same functions in the same order, and each
// waits in them for the others, for as long as these take. What they return, but for an error, is the same at all
// ranks, bit for bit, and depends on nothing but what the ranks gave and their number. Errors: CANCELLED, where this
// rank is to stop; GroupBroken, where another has gone: nothing can be done with the group any more. Thread-compatible.
class LearnerGroup {
 public:
  virtual ~LearnerGroup() = default;

  // 0 … size() - 1.
  virtual int rank() const = 0;
  virtual int size() const = 0;

  // Replaces each number by the sum of all ranks'. All have equally many.
  virtual absl::Status Sum(std::span<float> numbers) = 0;

  // What each rank gave, from rank 0 on.
  virtual absl::StatusOr<std::vector<std::string>> Gather(std::string mine) = 0;

  // As the other Sum: for few.
  absl::Status Sum(std::span<double> numbers);

  // This rank's share of `count` things in a row; the shares of all ranks are as equal as can be.
  Share ShareOf(int64_t count) const { return {count * rank() / size(), count * (rank() + 1) / size()}; }
};

// One learner.
class LoneLearner final : public LearnerGroup {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  using LearnerGroup::Sum;
  absl::Status Sum(std::span<float>) override { return absl::OkStatus(); }
  absl::StatusOr<std::vector<std::string>> Gather(std::string mine) override { return std::vector{std::move(mine)}; }
};

// ABORTED, and told apart from all other statuses by IsGroupBroken: this rank is to meet the others again, and to go on
// from the last checkpoint.
absl::Status GroupBroken(std::string_view why);
bool IsGroupBroken(const absl::Status& status);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_GROUP_LEARNER_GROUP_H_
