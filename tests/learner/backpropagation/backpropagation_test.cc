#include "learner/backpropagation/backpropagation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "learner/backpropagation/autograd_backpropagation.h"
#include "tests/testing/training_inputs.h"

namespace understudy {
namespace {

using testing::CartPoleHeader;
using ::testing::ElementsAre;

TEST(MakeBackpropagation, MakesOneForAnMlpWithAnyNumberOfThreads) {
  for (const char* device : {"auto", "cpu"}) {
    for (const int threads : {0, 1, 3}) {
      EXPECT_TRUE(MakeBackpropagation(CartPoleHeader("hidden_sizes: [8]"), device, threads).ok()) << device;
    }
  }
}

TEST(MakeBackpropagation, AnUnknownNetworkIsRefused) {
  EXPECT_EQ(MakeBackpropagation(CartPoleHeader("type: 'transformer'"), "auto", 1).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(DescribeForAutograd, SaysWhatTheHeaderSays) {
  const AutogradNetwork network =
      *DescribeForAutograd(CartPoleHeader("hidden_sizes: [8, 3] activation: 'relu' trunk: 'shared'"));
  EXPECT_EQ(network.type, "mlp");
  EXPECT_EQ(network.activation, "relu");
  EXPECT_EQ(network.trunk, "shared");
  EXPECT_EQ(network.hidden_layers, 2);
  EXPECT_EQ(network.observation_size, 4);
  EXPECT_THAT(network.parameter_shapes,
              ElementsAre(ElementsAre(4, 8), ElementsAre(8), ElementsAre(8, 3), ElementsAre(3), ElementsAre(3, 2),
                          ElementsAre(2), ElementsAre(3, 1), ElementsAre(1)));
}

}  // namespace
}  // namespace understudy
