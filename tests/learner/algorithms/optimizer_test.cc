#include "learner/algorithms/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace understudy {
namespace {

const std::vector<std::vector<float>> kGradients = {{0.1f, -2.0f, 0.0f}, {0.3f, 1.0f, -0.5f}, {-0.2f, 0.5f, 4.0f}};

// Parameters 1, -1, 0.5 after kGradients.
std::vector<float> Optimised(Adam& adam) {
  std::vector<float> parameters = {1.0f, -1.0f, 0.5f};
  for (const std::vector<float>& gradients : kGradients) adam.Step(parameters, gradients, 0.01);
  return parameters;
}

// The expected numbers are of a Python program that follows the papers in double precision.
TEST(Adam, StepsAsThePaperSays) {
  Adam adam({}, 3);
  const std::vector<float> parameters = Optimised(adam);
  const double expected[] = {0.9782431522889793, -0.9867227410469671, 0.5018156344313791};
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(parameters[i], expected[i], 1e-6) << i;
}

TEST(Adam, WeightDecayIsDecoupledFromTheGradient) {
  Adam adam({.weight_decay = 0.1}, 3);
  const std::vector<float> parameters = Optimised(adam);
  const double expected[] = {0.9752753190977598, -0.983748393417247, 0.5003096925633539};
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(parameters[i], expected[i], 1e-6) << i;
}

TEST(Adam, ItsStateIsWhatACheckpointNeeds) {
  Adam adam({}, 3);
  Optimised(adam);
  EXPECT_EQ(adam.state().steps, 3);
  const double first[] = {0.0151, -0.022, 0.355};
  const double second[] = {0.00013989001, 0.005241004, 0.01624975};
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(adam.state().first_moments[i], first[i], 1e-7) << i;
    EXPECT_NEAR(adam.state().second_moments[i], second[i], 1e-8) << i;
  }
}

TEST(Adam, GoesOnFromARestoredStateToTheSameBits) {
  Adam whole({.weight_decay = 0.1}, 3);
  std::vector<float> expected = Optimised(whole);
  Adam restored({.weight_decay = 0.1}, 3);
  std::vector<float> parameters = expected;
  restored.Restore(whole.state());
  EXPECT_TRUE(whole.Step(expected, kGradients[0], 0.01));
  EXPECT_TRUE(restored.Step(parameters, kGradients[0], 0.01));
  EXPECT_EQ(parameters, expected);
  EXPECT_EQ(restored.state().steps, 4);
  EXPECT_EQ(restored.state().first_moments, whole.state().first_moments);
  EXPECT_EQ(restored.state().second_moments, whole.state().second_moments);
}

TEST(Adam, SaysWhetherParametersAndMomentsAreStillFinite) {
  std::vector<float> parameters = {1.0f, 1.0f};
  EXPECT_TRUE(Adam({}, 2).Step(parameters, std::vector<float>{1e15f, 0.0f}, 0.1));
  EXPECT_FALSE(Adam({}, 2).Step(parameters, std::vector<float>{0.0f, 1e25f}, 0.1));  // its square is infinite
  EXPECT_TRUE(std::isfinite(parameters[1]));
  EXPECT_FALSE(Adam({}, 2).Step(parameters, std::vector<float>{0.0f, 1.0f}, 1e39));
}

TEST(Adam, AParameterWithoutGradientStaysWhereItIs) {
  Adam adam({}, 2);
  std::vector<float> parameters = {3.0f, 3.0f};
  adam.Step(parameters, std::vector<float>{0.0f, 1.0f}, 0.5);
  EXPECT_EQ(parameters[0], 3.0f);
  EXPECT_NEAR(parameters[1], 2.5f, 1e-6);  // the first step is as long as the learning rate
}

TEST(Adam, FindsTheMinimumOfAParabola) {
  Adam adam({}, 1);
  std::vector<float> parameters = {5.0f};
  for (int i = 0; i < 2000; ++i) adam.Step(parameters, std::vector<float>{2 * (parameters[0] - 1)}, 0.05);
  EXPECT_NEAR(parameters[0], 1.0f, 1e-3);
}

TEST(Adam, ScalesGradientsFirst) {
  Adam scaled({}, 3), given({}, 3);
  std::vector<float> parameters = {1.0f, -1.0f, 0.5f}, expected = parameters;
  scaled.Step(parameters, std::vector<float>{4.0f, -8.0f, 0.0f}, 0.01, 0.25);
  given.Step(expected, std::vector<float>{1.0f, -2.0f, 0.0f}, 0.01);
  EXPECT_EQ(parameters, expected);
  EXPECT_EQ(scaled.state().second_moments, given.state().second_moments);
}

TEST(Adam, MomentsThatDecayEndAtZero) {
  Adam adam({}, 1);
  std::vector<float> parameters = {1.0f};
  adam.Step(parameters, std::vector<float>{1.0f}, 0.01);
  for (int i = 0; i < 1000; ++i) adam.Step(parameters, std::vector<float>{0.0f}, 0.01);
  EXPECT_EQ(adam.state().first_moments[0], 0);  // 0.1 × 0.9¹⁰⁰⁰ ≈ 2e-47
  volatile float small = 1e-38f;
  EXPECT_GT(small / 10, 0);  // and only there
}

TEST(GlobalNorm, IsEuclidean) {
  EXPECT_DOUBLE_EQ(GlobalNorm(std::vector<float>{3.0f, 0.0f, -4.0f}), 5);
  for (const size_t length : {0, 1, 7, 15, 16, 17, 67}) {
    EXPECT_NEAR(GlobalNorm(std::vector<float>(length, 2.0f)), 2 * std::sqrt(static_cast<double>(length)), 1e-12);
  }
}

TEST(GlobalNorm, IsFiniteWhereAllGradientsAreHoweverLarge) {
  EXPECT_NEAR(GlobalNorm(std::vector<float>(2, 3e38f)) / 3e38, std::sqrt(2.0), 1e-6);
  EXPECT_FALSE(std::isfinite(GlobalNorm(std::vector<float>{1.0f, NAN})));
  EXPECT_FALSE(std::isfinite(GlobalNorm(std::vector<float>{3.0f, -INFINITY})));
}

TEST(ClippingScale, ShortensWhatIsTooLongAndNothingElse) {
  EXPECT_DOUBLE_EQ(ClippingScale(5, 1), 0.2);
  EXPECT_EQ(ClippingScale(5, 5), 1);
  EXPECT_EQ(ClippingScale(4, 5), 1);
  EXPECT_EQ(ClippingScale(500, 0), 1);  // no clipping
}

// Numbers with full mantissas.
std::vector<float> Waves(size_t count, float frequency) {
  std::vector<float> numbers(count);
  for (size_t i = 0; i < count; ++i) numbers[i] = std::sin(frequency * static_cast<float>(i + 1));
  return numbers;
}

TEST(OptimizerKernels, GiveTheSameBitsWithEveryInstructionSet) {
  constexpr size_t kCount = 1003;
  const std::vector<float> gradients = Waves(kCount, 1.7f);
  const auto optimise = [&](const OptimizerKernels& kernels) {
    std::vector<float> numbers = Waves(kCount, 0.3f), first = Waves(kCount, 2.9f), second(kCount, 0.01f);
    EXPECT_TRUE(kernels.adam({.parameters = numbers.data(),
                              .first_moments = first.data(),
                              .second_moments = second.data(),
                              .gradients = gradients.data(),
                              .count = kCount,
                              .gradient_scale = 0.7f,
                              .beta1 = 0.9f,
                              .beta2 = 0.999f,
                              .share1 = 0.1f,
                              .share2 = 0.001f,
                              .step_size = 0.01f,
                              .root_correction = 1.3f,
                              .epsilon = 1e-8f,
                              .kept = 0.9999f}));
    numbers.insert(numbers.end(), first.begin(), first.end());
    numbers.insert(numbers.end(), second.begin(), second.end());
    return numbers;
  };
  const OptimizerKernels& baseline = *SupportedOptimizerKernels().front();
  for (const OptimizerKernels* kernels : SupportedOptimizerKernels()) {
    EXPECT_EQ(optimise(*kernels), optimise(baseline)) << kernels->instruction_set;
    EXPECT_EQ(kernels->sum_of_squares(gradients.data(), kCount), baseline.sum_of_squares(gradients.data(), kCount))
        << kernels->instruction_set;
  }
}

}  // namespace
}  // namespace understudy
