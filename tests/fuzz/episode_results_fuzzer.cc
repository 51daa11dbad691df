// Hostile actors at an order for episodes: each wanted episode counts once, with the return that an honest actor gave.
#include <map>
#include <vector>

#include "common/rollouts/episode_order.h"
#include "tests/fuzz/rollout_fuzz.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy::fuzz {
namespace {

constexpr int64_t kStepsEach = 3;

class Episodes final : public OrderUnderTest {
 public:
  // Ten episodes, or thirty transitions, which are as many where all are three steps long.
  explicit Episodes(bool by_transitions) {
    EpisodeOrderOptions options;
    options.expectation = testing::ExpectationOf({});
    options.seed = 7;
    options.episodes = by_transitions ? 0 : 10;
    options.transitions = by_transitions ? 30 : 0;
    options.episodes_per_request = 4;
    options.on_episodes = [this](const std::vector<TrajectoryView>& episodes) {
      Require(!episodes.empty(), "there is something to hear of");
      for (const TrajectoryView& episode : episodes) {
        const bool first = steps_.emplace(episode.trajectory->episode(), episode.trajectory->steps()).second;
        Require(first, "an episode counts once");
      }
      return absl::OkStatus();
    };
    order_ = std::make_shared<EpisodeOrder>(std::move(options));
  }

  std::shared_ptr<Order> order() override { return order_; }
  std::optional<int64_t> taken() const override { return static_cast<int64_t>(steps_.size()); }

  v1::RolloutResult Answer(const v1::RolloutRequest& request) const override {
    std::vector<int64_t> numbers;
    for (int64_t i = request.episodes().begin(); i < request.episodes().end(); ++i) numbers.push_back(i);
    v1::RolloutResult result;
    result.set_request_id(request.id());
    *result.mutable_batch() = testing::EpisodeBatch(numbers, kStepsEach);
    result.set_last(true);
    return result;
  }

  void CheckDone(bool by_transitions) const {
    const EpisodeSummary summary = order_->Summary();
    int64_t episodes = 0;
    int64_t transitions = 0;
    for (const auto& [number, steps] : steps_) {
      if (number != episodes || (by_transitions ? transitions >= 30 : episodes >= 10)) break;
      ++episodes;
      transitions += steps;
    }
    Require(summary.episodes == episodes && summary.transitions == transitions, "the summary is the wanted prefix's");
    Require(by_transitions ? transitions >= 30 : episodes == 10, "all that was wanted is there");
    Require(summary.min_return <= summary.mean_return && summary.mean_return <= summary.max_return, "in order");
  }

 private:
  std::shared_ptr<EpisodeOrder> order_;
  std::map<int64_t, int64_t> steps_;  // of every episode that was taken
};

}  // namespace
}  // namespace understudy::fuzz

// One byte that chooses the order, then what the actors do: rollout_fuzz.cc.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace understudy::fuzz;
  Input input(data, size);
  const bool by_transitions = input.Byte() % 2 == 1;
  Episodes test(by_transitions);
  if (RunHostileActors(input, test)) test.CheckDone(by_transitions);
  return 0;
}
