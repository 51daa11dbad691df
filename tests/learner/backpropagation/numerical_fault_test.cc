#include "learner/backpropagation/numerical_fault.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace understudy {
namespace {

TEST(NumericalFault, AFiniteNumberIsNone) {
  EXPECT_TRUE(CheckFinite("loss", -1e308).ok());
  EXPECT_TRUE(CheckFinite("values", std::vector<float>{0, -3.4e38f, 1e-45f}).ok());
  EXPECT_TRUE(CheckFinite("values", std::vector<float>{}).ok());
}

TEST(NumericalFault, NamesTheNumber) {
  EXPECT_EQ(CheckFinite("loss", NAN), absl::InternalError("loss is nan"));
  EXPECT_EQ(CheckFinite("loss", -INFINITY), absl::InternalError("loss is -inf"));
  EXPECT_EQ(CheckFinite("values", std::vector<float>{0, 1, INFINITY, NAN}),
            absl::InternalError("element 2 of values is inf"));
}

TEST(NumericalFault, SaysWhereItHappened) {
  EXPECT_EQ(Diverged("ppo", "iteration", 7, absl::InternalError("gradient of actor.1.weight is nan")).message(),
            "ppo: gradient of actor.1.weight is nan in iteration 7: training has diverged; a smaller learning_rate may "
            "help");
}

TEST(NumericalFault, ARolloutsErrorGetsItsIterationAndCancellationDoesNot) {
  EXPECT_EQ(During("iteration", 3, absl::FailedPreconditionError("actor 'a': observation is nan")),
            absl::FailedPreconditionError("iteration 3: actor 'a': observation is nan"));
  EXPECT_EQ(During("epoch", 3, absl::CancelledError("fenced")), absl::CancelledError("fenced"));
  EXPECT_EQ(During("epoch", 3, absl::AbortedError("fenced")), absl::AbortedError("fenced"));
  EXPECT_TRUE(During("epoch", 3, absl::OkStatus()).ok());
}

}  // namespace
}  // namespace understudy
