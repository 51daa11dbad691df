// Actors that a dispatcher is tested with, what they are asked for, and what they answer.
#ifndef UNDERSTUDY_TESTS_COMMON_ROLLOUTS_FAKE_ACTORS_H_
#define UNDERSTUDY_TESTS_COMMON_ROLLOUTS_FAKE_ACTORS_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/rollouts/dispatcher.h"
#include "common/rollouts/episode_order.h"
#include "tests/testing/fake_actor_link.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy::testing {

// When nothing depends on the time.
inline constexpr absl::Time kNow = absl::UnixEpoch();

// One that comes for the first time.
inline std::shared_ptr<FakeActorLink> Connect(Dispatcher& dispatcher, const std::string& worker_id,
                                              absl::Time now = kNow) {
  auto link = std::make_shared<FakeActorLink>(worker_id);
  const absl::Status status = dispatcher.Connect(link, now);
  EXPECT_TRUE(status.ok()) << status;
  return link;
}

// Whole episodes, of version `version` of policy "expert".
inline std::shared_ptr<EpisodeOrder> Episodes(int64_t count, int64_t version = 1) {
  return std::make_shared<EpisodeOrder>(
      EpisodeOrderOptions{.expectation = ExpectationOf({.version = version}), .episodes = count});
}

// All the episodes of a request.
inline v1::RolloutResult Answer(const v1::RolloutRequest& request, bool last = true) {
  v1::RolloutResult result;
  result.set_request_id(request.id());
  result.set_last(last);
  std::vector<int64_t> episodes;
  for (int64_t n = request.episodes().begin(); n < request.episodes().end(); ++n) episodes.push_back(n);
  *result.mutable_batch() = EpisodeBatch(episodes, 20, {.version = request.policy_version()});
  return result;
}

// Hands a message, or a result, of an actor to a dispatcher.
inline absl::Status Deliver(Dispatcher& dispatcher, ActorLink& actor, v1::ActorMessage message, absl::Time now) {
  return dispatcher.Receive(actor, std::move(message), now);
}
inline absl::Status Deliver(Dispatcher& dispatcher, ActorLink& actor, v1::RolloutResult result, absl::Time now) {
  v1::ActorMessage message;
  *message.mutable_result() = std::move(result);
  return Deliver(dispatcher, actor, std::move(message), now);
}

// One that has answered before: it may be asked for more than it has in hand.
inline std::shared_ptr<FakeActorLink> ConnectKnown(Dispatcher& dispatcher, const std::string& worker_id) {
  const auto link = Connect(dispatcher, worker_id);
  const auto order = Episodes(1, 77);
  dispatcher.Start(order, TestSnapshot("expert", 77), kNow);
  EXPECT_TRUE(Deliver(dispatcher, *link, Answer(link->Requests().at(0)), kNow).ok());
  dispatcher.Drop(*order);
  link->sent.clear();
  return link;
}

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_COMMON_ROLLOUTS_FAKE_ACTORS_H_
