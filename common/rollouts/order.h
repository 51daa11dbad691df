// An order: the trajectories that a sink wants from actors. It is cut into requests, one piece of work for one actor
// each.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_ORDER_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_ORDER_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/trajectory/trajectory_layout.h"
#include "understudy/v1/rollouts.pb.h"

namespace understudy {

// How many trajectories of one result an order accepted and rejected.
struct Acceptance {
  int64_t accepted = 0;
  int64_t rejected = 0;
  std::string reason = {};  // for the rejections: one of accounting.h
  std::string detail = {};  // the reason in words
};

// Returns the rejection of all trajectories of a result.
inline Acceptance Reject(const v1::RolloutResult& result, std::string_view reason, std::string detail) {
  return {.accepted = 0,
          .rejected = result.batch().trajectories_size(),
          .reason = std::string(reason),
          .detail = std::move(detail)};
}

// Pure: no threads, no clock, no sockets. Thread-compatible. Implementations: EpisodeOrder (numbered episodes) and
// SegmentOrder (a segment of every slot).
class Order {
 public:
  virtual ~Order() = default;

  // Returns what the batches of all results must be (ValidateBatch).
  virtual const BatchExpectation& expectation() const = 0;

  // Returns the next request, for one of `actors` connected actors; nullopt: there is no work to give at the moment.
  // The work is leased under `request_id`, which must be new, until all of it has arrived or Release is called.
  virtual std::optional<v1::RolloutRequest> Next(uint64_t request_id, int actors) = 0;

  // Returns how many episodes or slots Next could give at the moment. It may be an estimate.
  virtual int64_t open() const = 0;

  // Judges a result whose batch is valid, and counts the trajectories that it accepts. It may move the batch out of
  // `result`, and nothing else.
  // INVALID_ARGUMENT: the result does not fit its request: foreign numbers, partial episodes, segments of another
  // length, or missing slot states. Any other error is the order's failure, of what it does with the trajectories.
  virtual absl::StatusOr<Acceptance> Accept(v1::RolloutResult&& result) = 0;

  // Ends a lease: what has not arrived of the request is given to the next that asks.
  virtual void Release(uint64_t request_id) = 0;

  // Whether all that is wanted has been accepted.
  virtual bool done() const = 0;
};

// Orders make their requests with the two functions below.

// Returns an even part of `amount` for each of `actors` actors: rounded up, at least 1, at most `most`.
inline int64_t EvenPart(int64_t amount, int actors, int64_t most) {
  const int64_t sharers = std::max(actors, 1);
  return std::clamp<int64_t>((amount + sharers - 1) / sharers, 1, std::max<int64_t>(most, 1));
}

// Returns a request for what the expectation names, without its work.
inline v1::RolloutRequest MakeRequest(uint64_t id, const BatchExpectation& expectation, v1::RolloutPurpose purpose,
                                      uint64_t seed) {
  v1::RolloutRequest request;
  request.set_id(id);
  request.set_policy(expectation.policy);
  request.set_policy_version(expectation.policy_version);
  request.set_action_mode(expectation.action_mode);
  request.set_purpose(purpose);
  request.set_seed(seed);
  if (expectation.record_logits) request.add_record(v1::RECORD_LOGITS);
  if (expectation.record_value) request.add_record(v1::RECORD_VALUE);
  return request;
}

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_ORDER_H_
