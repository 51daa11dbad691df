// Counts every allocation of its process: a program of its own.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "actor/rollout_worker.h"
#include "tests/testing/trajectory_batches.h"

namespace {

std::atomic<int64_t> allocations = 0;

void* Allocate(size_t size) {
  ++allocations;
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

// The other forms of new and delete call these.
void* operator new(size_t size) { return Allocate(size); }
void* operator new[](size_t size) { return Allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

namespace understudy {
namespace {

using ::understudy::testing::CartPoleSpec;
using ::understudy::testing::TestSnapshot;

constexpr int kWidth = 8;

class Allocations : public ::testing::TestWithParam<v1::ActionMode> {
 protected:
  v1::RolloutRequest Request() const {
    v1::RolloutRequest request;
    request.set_policy("expert");
    request.set_policy_version(1);
    request.set_action_mode(GetParam());
    request.set_seed(5);
    request.add_record(v1::RECORD_LOGITS);
    request.add_record(v1::RECORD_VALUE);
    return request;
  }
  v1::RolloutRequest Segments(int64_t steps) const {
    v1::RolloutRequest request = Request();
    request.set_purpose(v1::ROLLOUT_PURPOSE_TRAINING);
    request.mutable_segments()->set_end(kWidth);
    request.mutable_segments()->set_steps(steps);
    return request;
  }
  v1::RolloutRequest Episodes(int64_t count) const {
    v1::RolloutRequest request = Request();
    request.set_purpose(v1::ROLLOUT_PURPOSE_COLLECTION);
    request.mutable_episodes()->set_end(count);
    return request;
  }

  // How many allocations the request costs.
  int64_t Count(const v1::RolloutRequest& request) {
    const int64_t before = allocations;
    const absl::Status status = worker_.Run(request, policy_, emit_, never_);
    const int64_t counted = allocations - before;
    EXPECT_TRUE(status.ok()) << status;
    return counted;
  }

  RolloutWorker worker_ = RolloutWorker::Create(CartPoleSpec(), kWidth).value();
  const Policy policy_ = Policy::FromSnapshot(*TestSnapshot("expert", 1)).value();
  const EmitResult emit_ = [](v1::RolloutResult&) { return absl::OkStatus(); };
  const Cancellation never_;
};

TEST_P(Allocations, OfSegmentsDoNotGrowWithTheirSteps) {
  Count(Segments(2000));  // the buffers grow
  EXPECT_EQ(Count(Segments(2000)), Count(Segments(10)));
}

TEST_P(Allocations, OfEpisodesDoNotGrowWithTheirNumber) {
  Count(Episodes(400));
  EXPECT_EQ(Count(Episodes(400)), Count(Episodes(10)));
}

INSTANTIATE_TEST_SUITE_P(OfAWorkerThatIsWarm, Allocations,
                         ::testing::Values(v1::ACTION_MODE_SAMPLE, v1::ACTION_MODE_GREEDY), [](const auto& parameter) {
                           return parameter.param == v1::ACTION_MODE_SAMPLE ? "Sampling" : "Greedy";
                         });

}  // namespace
}  // namespace understudy
