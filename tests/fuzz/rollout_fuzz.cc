#include "tests/fuzz/rollout_fuzz.h"

#include <bit>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/rollouts/accounting.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy::fuzz {
namespace {

using testing::FakeActorLink;

// Changes one thing about a result.
void SpoilTrajectory(uint8_t what, int64_t value, v1::Trajectory& trajectory) {
  switch (what % 6) {
    case 0:
      return trajectory.set_slot(value);
    case 1:
      return trajectory.set_episode(value);
    case 2:
      return trajectory.set_first_step(value);
    case 3:
      return trajectory.set_steps(value);
    case 4:
      return trajectory.set_terminated(!trajectory.terminated());
    default:
      return trajectory.set_truncated(!trajectory.truncated());
  }
}

void SpoilState(uint8_t what, int64_t value, v1::SlotState& state) {
  switch (what % 5) {
    case 0:
      return state.set_slot(value);
    case 1:
      return state.set_steps(value);
    case 2:
      return state.set_episode(value);
    case 3:
      return state.set_episode_step(value);
    default:
      // Just what is allowed, or one byte more.
      return state.set_environment(std::string((size_t{1} << 20) + (value & 1), 's'));
  }
}

void SpoilColumn(uint8_t what, int64_t value, std::string& column) {
  if (column.empty()) return;
  switch (what % 4) {
    case 0:
      return column.resize(static_cast<uint64_t>(value) % column.size());
    case 1:
      column.push_back('x');
      return;
    case 2:
      column[static_cast<uint64_t>(value) % column.size()] ^= static_cast<char>(1 << (value & 7));
      return;
    default: {
      const float bad = (value & 1) != 0 ? std::numeric_limits<float>::quiet_NaN() : -1e38f;
      std::memcpy(column.data(), &bad, sizeof(bad));
    }
  }
}

std::string& Column(uint8_t which, v1::TrajectoryBatch& batch) {
  const std::array<std::string*, 6> columns = {batch.mutable_observations(), batch.mutable_actions(),
                                               batch.mutable_rewards(),      batch.mutable_log_probs(),
                                               batch.mutable_logits(),       batch.mutable_values()};
  return *columns[which % columns.size()];
}

void Spoil(Input& input, v1::RolloutResult& result) {
  const uint8_t what = input.Byte();
  const uint8_t where = input.Byte();
  const auto value = input.Number<int64_t>();
  v1::TrajectoryBatch& batch = *result.mutable_batch();
  switch (what % 8) {
    case 0:
      return result.set_request_id(static_cast<uint64_t>(value));
    case 1:
      return result.set_sequence(static_cast<uint32_t>(value));
    case 2:
      return result.set_last(!result.last());
    case 3:
      if (batch.trajectories().empty()) return;
      return SpoilTrajectory(where >> 4, value, *batch.mutable_trajectories(where % batch.trajectories_size()));
    case 4:
      return SpoilColumn(where >> 4, value, Column(where, batch));
    case 5:
      if (result.states().empty()) return;
      return SpoilState(where >> 4, value, *result.mutable_states(where % result.states_size()));
    case 6:
      return where % 2 == 0 ? batch.clear_trajectories() : result.clear_states();
    default:
      return batch.set_policy_version(value);
  }
}

class Sink {
 public:
  explicit Sink(OrderUnderTest& test) : test_(test), order_(test.order()), dispatcher_(testing::CartPoleSpec()) {
    dispatcher_.Start(order_, testing::TestSnapshot("expert", 1), now_);
  }
  ~Sink() { dispatcher_.CloseAll(absl::OkStatus()); }

  std::shared_ptr<FakeActorLink> Connect(std::string worker) {
    auto link = std::make_shared<FakeActorLink>(std::move(worker));
    return dispatcher_.Connect(link, now_).ok() ? link : nullptr;  // nullptr: it is fenced
  }
  void Disconnect(const FakeActorLink& link) { dispatcher_.Disconnect(link, now_); }

  // Stragglers are fenced as time goes by; whoever fences, calls again until nothing is due.
  void Advance(absl::Duration time) {
    now_ += time;
    for (int calls = 0; dispatcher_.next_fencing() <= now_; ++calls) {
      Require(calls < 100, "expiry comes to an end");
      dispatcher_.FenceStragglers(now_);
    }
  }

  // Gives the dispatcher a message as its services do. False: the link is to be closed, or the order has failed.
  bool Receive(FakeActorLink& link, const v1::ActorMessage& message) {
    // All that was sent so far has been looked at, but for the requests.
    std::erase_if(link.sent, [](const v1::SinkMessage& sent) { return !sent.has_request(); });
    const std::optional<int64_t> taken = test_.taken();
    if (link.closed.has_value()) return false;  // fenced, or replaced: the stream is over
    const int64_t sent = message.result().batch().trajectories_size();
    const int64_t produced = dispatcher_.accounting().produced();
    const absl::Status status = dispatcher_.Receive(link, v1::ActorMessage(message), now_);
    CheckAccounting();
    const std::vector<v1::RolloutAck> after = link.Acks();
    if (!status.ok()) {
      Require(after.empty(), "what is refused is not acknowledged");
      failed_ = failed_ || absl::IsFailedPrecondition(status);
      if (!failed_) RequireRefusal(status);
      if (!failed_) dispatcher_.Disconnect(link, now_);
      Require(failed_ || dispatcher_.accounting().produced() == produced + sent, "what is malformed is accounted for");
      return false;
    }
    const bool counts = message.has_result();
    Require(after.size() == (counts ? 1 : 0), "every result is acknowledged, once");
    if (!counts) return true;
    const v1::RolloutAck& ack = after.back();
    Require(ack.accepted() >= 0 && ack.rejected() >= 0 && ack.accepted() + ack.rejected() == sent,
            "every trajectory is accepted or rejected");
    Require(dispatcher_.accounting().produced() == produced + sent, "and counted");
    Require(!taken.has_value() || *test_.taken() - *taken == ack.accepted(), "the order took what was acknowledged");
    Require(ack.rejected() == 0 || IsRejectionReason(ack.reason()), "a rejection has a reason", ack.reason());
    return true;
  }

  bool done() const { return order_->done(); }
  bool failed() const { return failed_; }

 private:
  // Also where a result was malformed: what the order has taken counts as accepted, and nothing else does.
  void CheckAccounting() {
    const v1::TrajectoryAccounting& accounting = dispatcher_.accounting();
    int64_t ended = accounting.accepted();
    for (const auto& [reason, count] : accounting.rejected()) {
      Require(count > 0 && IsRejectionReason(reason), "rejections are counted by reason", reason);
      ended += count;
    }
    Require(accounting.produced() == ended, "produced = accepted + rejected");
    const std::optional<int64_t> taken = test_.taken();
    Require(!taken.has_value() || *taken == accounting.accepted(), "accepted is what the order took");
  }

  OrderUnderTest& test_;
  std::shared_ptr<Order> order_;
  absl::Time now_ = absl::UnixEpoch();
  Dispatcher dispatcher_;
  bool failed_ = false;
};

// An actor that may do anything.
class HostileActor {
 public:
  HostileActor(Sink& sink, std::string name) : sink_(sink), name_(std::move(name)) {}

  void Act(Input& input, const OrderUnderTest& test) {
    const uint8_t action = input.Byte();
    if (action >= 128) return sink_.Advance(absl::Seconds(action - 127));
    if (link_ == nullptr || action % 8 == 0) {
      link_ = sink_.Connect(name_);
      next_ = 0;
      return;
    }
    if (action % 8 == 1) return Leave();
    v1::ActorMessage message;
    if (action % 8 == 2) {
      if (!message.ParseFromString(std::string(input.Piece()))) return;
    } else {
      const std::vector<v1::RolloutRequest> requests = link_->Requests();
      if (requests.empty()) return;
      const size_t at = std::min(next_, requests.size() - 1);
      *message.mutable_result() = test.Answer(requests[at]);
      if (action % 8 >= 4) Spoil(input, *message.mutable_result());
      if (action % 8 >= 6) Spoil(input, *message.mutable_result());
      ++next_;
    }
    if (!sink_.Receive(*link_, message)) link_.reset();
  }

  void Leave() {
    if (link_ != nullptr) sink_.Disconnect(*link_);
    link_.reset();
  }

 private:
  Sink& sink_;
  const std::string name_;
  std::shared_ptr<FakeActorLink> link_;
  size_t next_ = 0;  // request that it answers next, if it goes by the order
};

void FinishHonestly(Sink& sink, const OrderUnderTest& test) {
  constexpr size_t kMostRequests = 1000;
  const std::shared_ptr<FakeActorLink> honest = sink.Connect("honest");
  Require(honest != nullptr, "who did nothing wrong is welcome");
  for (size_t next = 0; !sink.done(); ++next) {
    Require(next < kMostRequests && next < honest->Requests().size(), "an honest actor is asked until all is done");
    v1::ActorMessage message;
    *message.mutable_result() = test.Answer(honest->Requests()[next]);
    Require(sink.Receive(*honest, message), "an honest actor is not sent away");
  }
}

}  // namespace

bool RunHostileActors(Input& input, OrderUnderTest& test) {
  Sink sink(test);
  std::array<HostileActor, 3> actors = {HostileActor(sink, "a"), HostileActor(sink, "b"), HostileActor(sink, "c")};
  // More would show nothing new, slowly.
  for (int acts = 0; acts < 64 && !input.empty() && !sink.failed(); ++acts)
    actors[input.Byte() % actors.size()].Act(input, test);
  if (sink.failed()) return false;
  for (HostileActor& actor : actors) actor.Leave();
  FinishHonestly(sink, test);
  return true;
}

}  // namespace understudy::fuzz
