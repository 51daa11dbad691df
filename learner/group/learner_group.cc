#include "learner/group/learner_group.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

constexpr char kGroupBrokenUrl[] = "understudy/learner-group-broken";

}  // namespace

absl::Status LearnerGroup::Sum(std::span<double> numbers) {
  if (size() == 1) return absl::OkStatus();
  const auto all = Gather({reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()});
  if (!all.ok()) return all.status();
  std::fill(numbers.begin(), numbers.end(), 0.0);
  for (size_t rank = 0; rank < all->size(); ++rank) {
    const std::string& theirs = (*all)[rank];
    if (theirs.size() != numbers.size_bytes()) {
      return absl::InternalError(
          absl::StrCat("rank ", rank, " gave ", theirs.size(), " bytes to a sum, expected ", numbers.size_bytes()));
    }
    for (size_t i = 0; i < numbers.size(); ++i) {
      double number = 0;
      std::memcpy(&number, theirs.data() + i * sizeof(double), sizeof(double));
      numbers[i] += number;
    }
  }
  return absl::OkStatus();
}

absl::Status GroupBroken(std::string_view why) {
  absl::Status status = absl::AbortedError(absl::StrCat("the learners have lost each other: ", std::string(why)));
  status.SetPayload(kGroupBrokenUrl, absl::Cord());
  return status;
}

bool IsGroupBroken(const absl::Status& status) { return status.GetPayload(kGroupBrokenUrl).has_value(); }

}  // namespace understudy
