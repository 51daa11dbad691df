// An order for whole episodes 0, 1, 2 …: either a number of them, or as many as give a number of transitions.
// Evaluations and demonstrations are ordered so.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_EPISODE_ORDER_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_EPISODE_ORDER_H_

#include <functional>
#include <map>
#include <vector>

#include "common/rollouts/lease_table.h"
#include "common/rollouts/order.h"

namespace understudy {

// Episodes that may be asked for beyond the lowest one that has not arrived. The bound limits what must be remembered
// of later episodes while an actor keeps that one back.
inline constexpr int64_t kMaxEpisodesAhead = 65536;

struct EpisodeOrderOptions {
  BatchExpectation expectation;
  v1::RolloutPurpose purpose = v1::ROLLOUT_PURPOSE_UNSPECIFIED;  // actors refuse it unless it is set
  uint64_t seed = 0;
  // One of the two is positive.
  int64_t episodes = 0;
  int64_t transitions = 0;
  // Most episodes in one request. It is the inference width, so that a request fills an actor's batches.
  int64_t episodes_per_request = 64;
  // Called with the new episodes of each result before they count. Their numbers ascend, and each number comes once in
  // an order's life. The views point into the result. An error fails the order, and Accept returns it; it must not be
  // INVALID_ARGUMENT, which would blame the actor.
  std::function<absl::Status(const std::vector<TrajectoryView>&)> on_episodes = nullptr;
  // Episodes that are stored already, in any sequence. They count as if they had arrived, but are neither asked for nor
  // handed to on_episodes. Numbers that no order can have asked for (see kMaxEpisodesAhead) are ignored.
  std::vector<EpisodeOutcome> finished = {};
};

// Statistics of the episodes 0 … episodes - 1, in double. The returns are undiscounted.
struct EpisodeSummary {
  int64_t episodes = 0;
  int64_t transitions = 0;
  double mean_return = 0;
  double std_return = 0;  // of the population
  double min_return = 0;
  double max_return = 0;
};

// The result of an order is a prefix of the episodes: the shortest that is long enough, once all of it has arrived.
// Memory grows with the episodes that arrive out of order, which are fewer than kMaxEpisodesAhead.
class EpisodeOrder final : public Order {
 public:
  explicit EpisodeOrder(EpisodeOrderOptions options);

  const BatchExpectation& expectation() const override { return options_.expectation; }
  // Asks for an even share of what is still needed. How many episodes a number of transitions needs is estimated from
  // the lengths of those that have arrived.
  std::optional<v1::RolloutRequest> Next(uint64_t request_id, int actors) override;
  int64_t open() const override;
  absl::StatusOr<Acceptance> Accept(v1::RolloutResult&& result) override;
  void Release(uint64_t request_id) override;
  bool done() const override;

  // Returns the length of the prefix that has arrived, at most the wanted one. Episodes beyond it are surplus once the
  // order is done.
  int64_t prefix() const { return summary_.episodes; }

  // Returns the statistics of the prefix, summed by episode number, whatever the sequence of arrival.
  EpisodeSummary Summary() const;

 private:
  bool AllDone(const v1::TrajectoryBatch& batch) const;
  // Counts the episodes of `finished`.
  void Restore();
  // Remembers an episode whose number has just been completed.
  void Remember(const EpisodeOutcome& episode);
  // Moves what continues the prefix into it.
  void ExtendPrefix();
  // Estimates how many episodes are needed besides those that were ever leased.
  int64_t EstimateMissing() const;
  // Returns how many of them may be leased now.
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
