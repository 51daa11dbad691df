#include "learner/group/learner_group.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "common/rollouts/accounting.h"

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

absl::StatusOr<std::vector<v1::RankReport>> ExchangeReports(LearnerGroup& group, const v1::RankReport& mine) {
  const auto gathered = group.Gather(mine.SerializeAsString());
  if (!gathered.ok()) return gathered.status();
  std::vector<v1::RankReport> reports(gathered->size());
  for (size_t rank = 0; rank < reports.size(); ++rank) {
    if (reports[rank].ParseFromString((*gathered)[rank])) continue;
    return absl::InternalError(absl::StrCat("rank ", rank, " sent no RankReport"));
  }
  return reports;
}

v1::TrajectoryAccounting TrajectoriesOfOthers(const std::vector<v1::RankReport>& reports, int rank) {
  v1::TrajectoryAccounting others;
  for (size_t other = 0; other < reports.size(); ++other) {
    if (static_cast<int>(other) != rank) others = Sum(std::move(others), reports[other].trajectories());
  }
  return others;
}

}  // namespace understudy
