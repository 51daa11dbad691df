#include "learner/backpropagation/autograd_backpropagation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "common/policy/policy.h"
#include "common/random/random_stream.h"
#include "learner/backpropagation/backpropagation.h"
#include "tests/testing/training_inputs.h"

namespace understudy {
namespace {

using testing::CartPoleHeader;
using ::testing::HasSubstr;

std::vector<float> RandomNumbers(size_t count, uint64_t stream) {
  RandomStream random(8, RandomPurpose::kCollectionReset, stream, 0);
  std::vector<float> numbers(count);
  for (float& number : numbers) number = static_cast<float>(random.Normal());
  return numbers;
}

struct Result {
  std::vector<float> logits, values, gradients;
};

// Gradients of a loss whose derivatives by the outputs are given.
Result Differentiate(Backpropagation& backpropagation, const Policy& policy, size_t rows, bool with_values) {
  const std::vector<float> logit_gradients = RandomNumbers(2 * rows, 1), value_gradients = RandomNumbers(rows, 2);
  Result result{.logits = std::vector<float>(2 * rows),
                .values = std::vector<float>(rows),
                .gradients = std::vector<float>(policy.parameters().size(), NAN)};
  const Loss loss = [&](size_t first_row, const NetworkOutput& output, const NetworkGradients& gradients) {
    std::ranges::copy(output.logits, result.logits.begin() + 2 * static_cast<ptrdiff_t>(first_row));
    std::ranges::copy(output.values, result.values.begin() + static_cast<ptrdiff_t>(first_row));
    std::copy_n(logit_gradients.begin() + 2 * static_cast<ptrdiff_t>(first_row), gradients.logits.size(),
                gradients.logits.begin());
    std::copy_n(value_gradients.begin() + static_cast<ptrdiff_t>(first_row), gradients.values.size(),
                gradients.values.begin());
    return absl::OkStatus();
  };
  const absl::Status status =
      backpropagation.Compute(policy.parameters(), RandomNumbers(4 * rows, 3), with_values, loss, result.gradients);
  EXPECT_TRUE(status.ok()) << status;
  return result;
}

// Relative to the largest number: where terms cancel, so little is left that rounding shows.
double RelativeError(const std::vector<float>& found, const std::vector<float>& expected) {
  double error = 0, largest = 1e-30;
  for (size_t i = 0; i < expected.size(); ++i) {
    error = std::max(error, std::abs(static_cast<double>(found[i]) - expected[i]));
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
  }
  return error / largest;
}

class AutogradBackpropagation : public ::testing::TestWithParam<const char*> {};

TEST_P(AutogradBackpropagation, AgreesWithOurOwnToOnePartInAHundredThousand) {
  Policy policy = *Policy::Create(CartPoleHeader(GetParam()), 3);
  for (float& parameter : policy.parameters()) parameter += 0.01f;
  const auto own = MakeBackpropagation(policy.header(), "cpu", 2);
  const auto autograd = MakeAutogradBackpropagation(*DescribeForAutograd(policy.header()), "cpu", 1);
  ASSERT_TRUE(own.ok()) << own.status();
  ASSERT_TRUE(autograd.ok()) << autograd.status();
  for (const size_t rows : {1, 64, 256, 2048}) {
    for (const bool with_values : {true, false}) {
      const Result ours = Differentiate(**own, policy, rows, with_values);
      const Result expected = Differentiate(**autograd, policy, rows, with_values);
      EXPECT_LT(RelativeError(ours.logits, expected.logits), 1e-5) << rows;
      EXPECT_LT(RelativeError(ours.values, expected.values), 1e-5) << rows;
      EXPECT_LT(RelativeError(ours.gradients, expected.gradients), 1e-5) << rows;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, AutogradBackpropagation,
                         ::testing::Values("hidden_sizes: [64, 64]", "hidden_sizes: [70, 33] trunk: 'shared'",
                                           "hidden_sizes: [100, 20] activation: 'relu'", "hidden_sizes: [7]",
                                           "hidden_sizes: [256, 256]"));

AutogradNetwork Small() { return *DescribeForAutograd(CartPoleHeader("hidden_sizes: [8]")); }

TEST(MakeAutogradBackpropagation, ComputesOnTheCpuWhereThereIsNoGpu) {
  EXPECT_TRUE(MakeAutogradBackpropagation(Small(), "auto", 1).ok());
}

TEST(MakeAutogradBackpropagation, CudaIsRefusedWhereLibTorchHasNone) {
  const auto made = MakeAutogradBackpropagation(Small(), "cuda", 1);
  if (made.ok()) GTEST_SKIP() << "there is a GPU here";
  EXPECT_EQ(made.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(made.status().message()), HasSubstr("device cuda: "));
  EXPECT_THAT(std::string(made.status().message()), HasSubstr("expected auto or cpu"));
}

TEST(MakeAutogradBackpropagation, ANetworkWithoutAForwardPassIsRefusedByName) {
  AutogradNetwork network = Small();
  network.type = "transformer";
  const absl::Status status = MakeAutogradBackpropagation(network, "cpu", 1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("network transformer has no forward pass"));
}

TEST(MakeAutogradBackpropagation, WhatLibTorchThrowsIsAnError) {
  const auto made = MakeAutogradBackpropagation(Small(), "cpu", 1);
  ASSERT_TRUE(made.ok());
  std::vector<float> few(3), gradients(3);
  const Loss loss = [](size_t, const NetworkOutput&, const NetworkGradients&) { return absl::OkStatus(); };
  const absl::Status status = (*made)->Compute(few, std::vector<float>(8), true, loss, gradients);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("LibTorch: "));
}

}  // namespace
}  // namespace understudy
