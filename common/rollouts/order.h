// What a sink wants from actors: an order, cut into requests for whoever is there.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_ORDER_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_ORDER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/trajectory/trajectory_batch.h"
#include "understudy/v1/rollouts.pb.h"

namespace understudy {

// What became of the trajectories of one result.
struct Acceptance {
  int64_t accepted = 0;
  int64_t rejected = 0;
  std::string reason = {};  // of the rejections: see rejection.h
  std::string detail = {};  // the same in words
};

// None of a result counts.
inline Acceptance Reject(const v1::RolloutResult& result, std::string_view reason, std::string detail) {
  return {.accepted = 0,
          .rejected = result.batch().trajectories_size(),
          .reason = std::string(reason),
          .detail = std::move(detail)};
}

// Pure: no threads, no clock, no sockets. Thread-compatible. Implementations: EpisodeOrder, SegmentOrder.
class Order {
 public:
  virtual ~Order() = default;

  // What every result's batch must be.
  virtual const BatchExpectation& expectation() const = 0;

  // The next piece of work for one of `actors` connected actors, leased under `request_id` until Release or until all
  // of it has arrived; nullopt: nothing to ask for at the moment. The caller stamps the request with the id.
  virtual std::optional<v1::RolloutRequest> Next(uint64_t request_id, int actors) = 0;

  // How many episodes or slots Next has to give at the moment, by what is known.
  virtual int64_t open() const = 0;

  // Judges a result whose batch is valid, and counts the trajectories that it accepts. It may move the batch out of
  // `result`, and nothing else.
  // INVALID_ARGUMENT: the result does not fit its request: foreign numbers, partial episodes, segments of another
  // length, or missing slot states. Any other error is the order's failure, of what it does with the trajectories.
  virtual absl::StatusOr<Acceptance> Accept(v1::RolloutResult&& result) = 0;

  // Whatever of this request has not arrived is to be asked for again, of anybody.
  virtual void Release(uint64_t request_id) = 0;

  // All that was wanted has been accepted.
  virtual bool done() const = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_ORDER_H_
