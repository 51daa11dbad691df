#include "actor/request_check.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using ::understudy::testing::CartPoleSpec;
using ::understudy::testing::TestSnapshot;

v1::RolloutRequest Segments() {
  v1::RolloutRequest request;
  request.set_purpose(v1::ROLLOUT_PURPOSE_TRAINING);
  request.set_action_mode(v1::ACTION_MODE_SAMPLE);
  request.mutable_segments()->set_begin(3);
  request.mutable_segments()->set_end(5);
  request.mutable_segments()->set_steps(64);
  for (int64_t slot = 3; slot < 5; ++slot) {
    v1::SlotState& state = *request.mutable_segments()->add_states();
    state.set_slot(slot);
    state.set_steps(100);
    state.set_episode_step(40);
  }
  return request;
}

v1::RolloutRequest Episodes() {
  v1::RolloutRequest request;
  request.set_purpose(v1::ROLLOUT_PURPOSE_EVALUATION);
  request.set_action_mode(v1::ACTION_MODE_GREEDY);
  request.mutable_episodes()->set_begin(10);
  request.mutable_episodes()->set_end(20);
  request.add_record(v1::RECORD_LOGITS);
  request.add_record(v1::RECORD_VALUE);
  return request;
}

absl::Status Check(const v1::RolloutRequest& request) {
  return CheckRequest(request, TestSnapshot("expert", 1)->header, CartPoleSpec());
}

TEST(CheckRequest, LetsGoodRequestsPass) {
  EXPECT_TRUE(Check(Segments()).ok()) << Check(Segments());
  EXPECT_TRUE(Check(Episodes()).ok()) << Check(Episodes());
  v1::RolloutRequest fresh = Segments();
  fresh.mutable_segments()->clear_states();
  EXPECT_TRUE(Check(fresh).ok());
}

TEST(CheckRequest, RefusesWhatCannotBe) {
  constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
  using Change = std::function<void(v1::RolloutRequest&)>;
  const std::vector<std::pair<const char*, Change>> changes = {
      {"no work", [](auto& r) { r.clear_work(); }},
      {"no action mode", [](auto& r) { r.set_action_mode(v1::ACTION_MODE_UNSPECIFIED); }},
      {"unknown action mode", [](auto& r) { r.set_action_mode(static_cast<v1::ActionMode>(9)); }},
      {"no purpose", [](auto& r) { r.set_purpose(v1::ROLLOUT_PURPOSE_UNSPECIFIED); }},
      {"unknown purpose", [](auto& r) { r.set_purpose(static_cast<v1::RolloutPurpose>(9)); }},
      {"segments to evaluate", [](auto& r) { r.set_purpose(v1::ROLLOUT_PURPOSE_EVALUATION); }},
      {"segments to collect", [](auto& r) { r.set_purpose(v1::ROLLOUT_PURPOSE_COLLECTION); }},
      {"unknown record", [](auto& r) { r.add_record(v1::RECORD_UNSPECIFIED); }},
      {"no slots", [](auto& r) { r.mutable_segments()->set_end(3); }},
      {"negative slots", [](auto& r) { r.mutable_segments()->set_begin(-1); }},
      {"too many slots", [](auto& r) { r.mutable_segments()->set_end(kHuge); }},
      {"too many episodes", [](auto& r) { r.mutable_episodes()->set_end(kMaxNumbersPerRequest + 1); }},
      {"no episodes", [](auto& r) { r.mutable_episodes()->set_begin(1); }},
      {"no steps", [](auto& r) { r.mutable_segments()->set_steps(0); }},
      {"too many steps", [](auto& r) { r.mutable_segments()->set_steps(kHuge); }},
      {"a state missing", [](auto& r) { r.mutable_segments()->mutable_states()->RemoveLast(); }},
      {"a state of another slot", [](auto& r) { r.mutable_segments()->mutable_states(1)->set_slot(3); }},
      {"negative steps", [](auto& r) { r.mutable_segments()->mutable_states(0)->set_steps(-1); }},
      {"steps beyond the random stream", [](auto& r) { r.mutable_segments()->mutable_states(0)->set_steps(kHuge); }},
      {"episodes beyond the stream", [](auto& r) { r.mutable_segments()->mutable_states(0)->set_episode(kHuge); }},
      {"a negative episode", [](auto& r) { r.mutable_segments()->mutable_states(0)->set_episode(-1); }},
      {"more in the episode than in all",
       [](auto& r) { r.mutable_segments()->mutable_states(0)->set_episode_step(101); }},
  };
  for (const auto& [name, change] : changes) {
    v1::RolloutRequest request = Segments();
    change(request);
    EXPECT_TRUE(absl::IsInvalidArgument(Check(request))) << name << ": " << Check(request);
  }
}

TEST(CheckRequest, TakesEpisodesForEveryPurposeButTraining) {
  v1::RolloutRequest request = Episodes();
  for (const v1::RolloutPurpose purpose :
       {v1::ROLLOUT_PURPOSE_COLLECTION, v1::ROLLOUT_PURPOSE_STOP_RULE, v1::ROLLOUT_PURPOSE_EVALUATION}) {
    request.set_purpose(purpose);
    EXPECT_TRUE(Check(request).ok()) << Check(request);
  }
  request.set_purpose(v1::ROLLOUT_PURPOSE_TRAINING);
  EXPECT_EQ(Check(request),
            absl::InvalidArgumentError("purpose 1, expected collection, stop rule or evaluation, which take episodes"));
  request.clear_purpose();
  EXPECT_TRUE(absl::IsInvalidArgument(Check(request))) << Check(request);
}

TEST(CheckRequest, RefusesAPolicyForOtherSpacesAndShowsBoth) {
  v1::PolicyHeader policy = TestSnapshot("expert", 1)->header;
  policy.mutable_action_space()->mutable_discrete()->set_n(7);
  const absl::Status status = CheckRequest(Episodes(), policy, CartPoleSpec());
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(status.message().find("Discrete(7)"), absl::string_view::npos) << status;
  EXPECT_NE(status.message().find("Discrete(2)"), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace understudy
