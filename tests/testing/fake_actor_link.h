// A link to an actor that remembers what the sink did with it.
#ifndef UNDERSTUDY_TESTS_TESTING_FAKE_ACTOR_LINK_H_
#define UNDERSTUDY_TESTS_TESTING_FAKE_ACTOR_LINK_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/rollouts/actor_link.h"

namespace understudy::testing {

// Thread-compatible.
class FakeActorLink final : public ActorLink {
 public:
  explicit FakeActorLink(std::string worker_id, const v1::StageKey& stage = {}) {
    hello_.set_protocol_version(1);
    hello_.set_worker_id(std::move(worker_id));
    *hello_.mutable_stage() = stage;
  }

  const v1::ActorHello& hello() const override { return hello_; }
  void Send(v1::SinkMessage message) override { sent.push_back(std::move(message)); }
  void ReadNext() override { ++reads; }
  void Close(absl::Status status) override { closed = std::move(status); }

  // Returns the requests among what was sent, in order.
  std::vector<v1::RolloutRequest> Requests() const {
    std::vector<v1::RolloutRequest> requests;
    for (const v1::SinkMessage& message : sent) {
      if (message.has_request()) requests.push_back(message.request());
    }
    return requests;
  }

  // Returns the acknowledgements among what was sent, in order.
  std::vector<v1::RolloutAck> Acks() const {
    std::vector<v1::RolloutAck> acks;
    for (const v1::SinkMessage& message : sent) {
      if (message.has_ack()) acks.push_back(message.ack());
    }
    return acks;
  }

  std::vector<v1::SinkMessage> sent;
  int reads = 0;
  std::optional<absl::Status> closed;

 private:
  v1::ActorHello hello_;
};

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_TESTING_FAKE_ACTOR_LINK_H_
