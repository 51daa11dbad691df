#include "common/rollouts/episode_order.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/rollouts/accounting.h"

namespace understudy {
namespace {

int64_t CeilDivide(double dividend, double divisor) { return static_cast<int64_t>(std::ceil(dividend / divisor)); }

}  // namespace

EpisodeOrder::EpisodeOrder(EpisodeOrderOptions options)
    : options_(std::move(options)),
      leases_(options_.episodes > 0 ? options_.episodes : std::numeric_limits<int64_t>::max()) {
  Restore();
}

void EpisodeOrder::Restore() {
  std::vector<EpisodeOutcome> finished = std::exchange(options_.finished, {});
  std::sort(finished.begin(), finished.end(),
            [](const EpisodeOutcome& a, const EpisodeOutcome& b) { return a.number < b.number; });
  for (const EpisodeOutcome& episode : finished) {
    const bool exists = options_.episodes <= 0 || episode.number < options_.episodes;
    if (!exists || episode.number - leases_.done_prefix() >= kMaxEpisodesAhead) break;
    if (leases_.Restore(episode.number)) Remember(episode);
  }
  ExtendPrefix();
}

bool EpisodeOrder::done() const {
  return options_.episodes > 0 ? summary_.episodes >= options_.episodes : summary_.transitions >= options_.transitions;
}

int64_t EpisodeOrder::EstimateMissing() const {
  if (options_.episodes > 0) return std::max<int64_t>(options_.episodes - leases_.next(), 0);
  const double longest = static_cast<double>(options_.expectation.environment.max_episode_steps());
  const double mean =
      finished_ == 0 ? std::max(longest, 1.0) : static_cast<double>(finished_steps_) / static_cast<double>(finished_);
  const double expected = static_cast<double>(finished_steps_) + mean * static_cast<double>(leases_.unfinished());
  return std::max<int64_t>(CeilDivide(static_cast<double>(options_.transitions) - expected, mean), 0);
}

int64_t EpisodeOrder::EstimateFresh() const {
  return std::min(EstimateMissing(), leases_.done_prefix() + kMaxEpisodesAhead - leases_.next());
}

int64_t EpisodeOrder::open() const { return done() ? 0 : leases_.reopened() + std::max<int64_t>(EstimateFresh(), 0); }

std::optional<v1::RolloutRequest> EpisodeOrder::Next(uint64_t request_id, int actors) {
  if (done()) return std::nullopt;
  const int64_t share = EvenPart(leases_.unfinished() + EstimateMissing(), actors, options_.episodes_per_request);
  // Numbers that were leased before come first: the prefix cannot grow without them.
  const auto range = leases_.Lease(request_id, leases_.reopened() > 0 ? share : std::min(share, EstimateFresh()));
  if (!range.has_value()) return std::nullopt;
  v1::RolloutRequest request = MakeRequest(request_id, options_.expectation, options_.purpose, options_.seed);
  request.mutable_episodes()->set_begin(range->begin);
  request.mutable_episodes()->set_end(range->end);
  return request;
}

absl::Status EpisodeOrder::CheckEpisode(const v1::Trajectory& episode, uint64_t request_id,
                                        const NumberRange& range) const {
  const auto wrong = [&](const std::string& what) {
    return absl::InvalidArgumentError(
        absl::StrCat("request ", request_id, ", episode ", episode.episode(), ": ", what));
  };
  if (!range.contains(episode.episode())) {
    return wrong(absl::StrCat("expected a number from ", range.begin, " to ", range.end - 1));
  }
  if (episode.slot() != 0) return wrong(absl::StrCat("slot ", episode.slot(), ", expected 0"));
  if (episode.first_step() != 0) return wrong(absl::StrCat("begins at step ", episode.first_step(), ", expected 0"));
  if (!episode.terminated() && !episode.truncated()) {
    return wrong("neither terminated nor truncated, expected a whole episode");
  }
  return absl::OkStatus();
}

bool EpisodeOrder::AllDone(const v1::TrajectoryBatch& batch) const {
  return std::all_of(batch.trajectories().begin(), batch.trajectories().end(),
                     [&](const v1::Trajectory& episode) { return leases_.IsDone(episode.episode()); });
}

absl::StatusOr<Acceptance> EpisodeOrder::Accept(v1::RolloutResult&& result) {
  if (done()) return Reject(result, kRejectedSurplus, "no longer needed");
  const auto range = leases_.Find(result.request_id());
  if (!range.has_value()) {
    return Reject(result, AllDone(result.batch()) ? kRejectedDuplicate : kRejectedStale,
                  absl::StrCat("request ", result.request_id(), " is over"));
  }
  Acceptance acceptance;
  std::map<int64_t, TrajectoryView> fresh;
  for (const TrajectoryView& view : ViewTrajectories(result.batch(), options_.expectation.environment)) {
    const v1::Trajectory& episode = *view.trajectory;
    if (absl::Status status = CheckEpisode(episode, result.request_id(), *range); !status.ok()) return status;
    if (leases_.IsDone(episode.episode()) || !fresh.emplace(episode.episode(), view).second) {
      ++acceptance.rejected;
      acceptance.reason = kRejectedDuplicate;
      acceptance.detail = absl::StrCat("episode ", episode.episode(), " was there already");
    }
  }
  if (result.last() && static_cast<int64_t>(fresh.size()) < leases_.remaining(result.request_id())) {
    return absl::InvalidArgumentError(absl::StrCat("request ", result.request_id(),
                                                   ": the last result came without all episodes from ", range->begin,
                                                   " to ", range->end - 1));
  }
  std::vector<TrajectoryView> episodes;
  for (const auto& [number, view] : fresh) episodes.push_back(view);
  if (!episodes.empty() && options_.on_episodes) {
    if (absl::Status status = options_.on_episodes(episodes); !status.ok()) return status;
  }
  for (const auto& [number, view] : fresh) {
    leases_.Complete(number);
    Remember({number, view.trajectory->steps(), UndiscountedReturn(view)});
  }
  ExtendPrefix();
  acceptance.accepted = static_cast<int64_t>(fresh.size());
  return acceptance;
}

void EpisodeOrder::Remember(const EpisodeOutcome& episode) {
  ++finished_;
  finished_steps_ += episode.steps;
  beyond_prefix_.emplace(episode.number, episode);
}

void EpisodeOrder::ExtendPrefix() {
  for (auto next = beyond_prefix_.begin();
       !done() && next != beyond_prefix_.end() && next->first == summary_.episodes;) {
    Count(next->second);
    next = beyond_prefix_.erase(next);
  }
}

// Mean and squared deviations as in Welford (1962), "Note on a method for calculating corrected sums of squares".
void EpisodeOrder::Count(const EpisodeOutcome& episode) {
  const double value = episode.undiscounted_return;
  summary_.min_return = summary_.episodes == 0 ? value : std::min(summary_.min_return, value);
  summary_.max_return = summary_.episodes == 0 ? value : std::max(summary_.max_return, value);
  ++summary_.episodes;
  summary_.transitions += episode.steps;
  const double deviation = value - summary_.mean_return;
  // Computed from the sum, which is exact for whole returns. A mean that is updated would show its rounding.
  sum_of_returns_ += value;
  summary_.mean_return = sum_of_returns_ / static_cast<double>(summary_.episodes);
  squared_deviations_ += deviation * (value - summary_.mean_return);
}

void EpisodeOrder::Release(uint64_t request_id) { leases_.Release(request_id); }

EpisodeSummary EpisodeOrder::Summary() const {
  EpisodeSummary summary = summary_;
  if (summary.episodes > 0) {
    summary.std_return = std::sqrt(squared_deviations_ / static_cast<double>(summary.episodes));
  }
  return summary;
}

}  // namespace understudy
