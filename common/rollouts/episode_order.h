// An order for numbered whole episodes: evaluation (a count) and demonstrations (a count, or the shortest prefix of
// episodes 0, 1, 2 … that reaches a number of transitions).
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_EPISODE_ORDER_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_EPISODE_ORDER_H_

#include <functional>
#include <map>
#include <vector>

#include "common/rollouts/lease_table.h"
#include "common/rollouts/order.h"

namespace understudy {

// Nothing further than this beyond the episodes [0, n) that are there is asked for: an actor that sits on episode n
// cannot make what is remembered of later ones grow without end.
inline constexpr int64_t kMaxEpisodesAhead = 65536;

struct EpisodeOrderOptions {
  BatchExpectation expectation;
  v1::RolloutPurpose purpose = v1::ROLLOUT_PURPOSE_UNSPECIFIED;  // actors refuse it unless it is set
  uint64_t seed = 0;
  // One of the two is positive.
  int64_t episodes = 0;
  int64_t transitions = 0;
  // Most episodes in one request: the inference width, so that an actor's batch is filled.
  int64_t episodes_per_request = 64;
  // Called with the new episodes of each result (valid views, ascending numbers, each number once), before they count.
  // An error is Accept's error: the order has failed then. (Not INVALID_ARGUMENT: that blames the actor.)
  std::function<absl::Status(const std::vector<TrajectoryView>&)> on_episodes = nullptr;
  // Episodes of this order, in any order, that an earlier one has seen: what is stored of it already. They count as if
  // they had arrived here, but are not asked for, and not handed to on_episodes. Numbers that no order can have asked
  // for (see kMaxEpisodesAhead) are left out.
  std::vector<EpisodeOutcome> finished = {};
};

// What is known of the wanted prefix.
struct EpisodeSummary {
  int64_t episodes = 0;
  int64_t transitions = 0;
  double mean_return = 0;
  double std_return = 0;  // of the population
  double min_return = 0;
  double max_return = 0;
};

// Memory grows with the episodes that arrive out of order, which are fewer than kMaxEpisodesAhead.
class EpisodeOrder final : public Order {
 public:
  explicit EpisodeOrder(EpisodeOrderOptions options);

  const BatchExpectation& expectation() const override { return options_.expectation; }
  // Shares what is still needed evenly among the actors. How many episodes a number of transitions needs is estimated
  // from those that have finished; no more are leased than that.
  std::optional<v1::RolloutRequest> Next(uint64_t request_id, int actors) override;
  int64_t open() const override;
  absl::StatusOr<Acceptance> Accept(const v1::RolloutResult& result) override;
  void Release(uint64_t request_id) override;
  bool done() const override;

  // Episodes [0, prefix) are there. Once done, the wanted ones: surplus episodes beyond it are no part of the result.
  int64_t prefix() const { return summary_.episodes; }

  // Over the prefix, summed in episode order whatever the order of arrival.
  EpisodeSummary Summary() const;

 private:
  bool AllDone(const v1::TrajectoryBatch& batch) const;
  // Counts what was there before.
  void Restore();
  // A number that was not done before is, from now on.
  void Remember(const EpisodeOutcome& episode);
  // Moves what continues the prefix into it.
  void ExtendPrefix();
  // How many episodes that were never leased are needed besides those that were; and how many of those may be leased.
  int64_t EstimateMissing() const;
  int64_t EstimateFresh() const;
  absl::Status CheckEpisode(const v1::Trajectory& episode, uint64_t request_id, const NumberRange& range) const;
  void Count(const EpisodeOutcome& episode);

  EpisodeOrderOptions options_;
  LeaseTable leases_;
  std::map<int64_t, EpisodeOutcome> beyond_prefix_;
  int64_t finished_ = 0;        // episodes, and their
  int64_t finished_steps_ = 0;  // steps, in the prefix or not
  EpisodeSummary summary_;
  double sum_of_returns_ = 0;
  double squared_deviations_ = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_EPISODE_ORDER_H_
