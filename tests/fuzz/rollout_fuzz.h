// Hostile actors at a Dispatcher: whatever they send, every result is accounted for, and afterwards one honest actor
// brings the order to its end.
#ifndef UNDERSTUDY_TESTS_FUZZ_ROLLOUT_FUZZ_H_
#define UNDERSTUDY_TESTS_FUZZ_ROLLOUT_FUZZ_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/rollouts/dispatcher.h"
#include "tests/fuzz/fuzz.h"
#include "tests/testing/fake_actor_link.h"
#include "understudy/v1/rollouts.pb.h"

namespace understudy::fuzz {

// An order, and what it asks of an actor.
class OrderUnderTest {
 public:
  virtual ~OrderUnderTest() = default;
  virtual std::shared_ptr<Order> order() = 0;
  // What an honest actor answers: all of the request in one result.
  virtual v1::RolloutResult Answer(const v1::RolloutRequest& request) const = 0;
  // Trajectories that the order has taken so far, where the test can tell without the acknowledgements.
  virtual std::optional<int64_t> taken() const = 0;
};

// Runs three hostile actors as the input says, then an honest one until the order is done. False: an actor declared a
// request impossible, which ends the order.
bool RunHostileActors(Input& input, OrderUnderTest& test);

}  // namespace understudy::fuzz

#endif  // UNDERSTUDY_TESTS_FUZZ_ROLLOUT_FUZZ_H_
