#include "common/policy/dense.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "common/snapshot/sha256.h"

namespace understudy {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// Numbers with full mantissas, all different.
std::vector<float> Numbers(size_t count, float frequency) {
  std::vector<float> numbers(count);
  for (size_t i = 0; i < count; ++i) numbers[i] = std::sin(frequency * static_cast<float>(i + 1));
  return numbers;
}

std::string Bytes(const std::vector<float>& numbers) {
  return std::string(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float));
}

// What dense.h says, number by number.
std::vector<float> SumInOrder(const std::vector<float>& weights, const std::vector<float>& bias,
                              const std::vector<float>& inputs, size_t rows) {
  const size_t input_count = weights.size() / bias.size();
  std::vector<float> outputs;
  for (size_t row = 0; row < rows; ++row) {
    for (size_t j = 0; j < bias.size(); ++j) {
      float sum = bias[j];
      for (size_t i = 0; i < input_count; ++i) {
        const float product = inputs[row * input_count + i] * weights[i * bias.size() + j];
        sum += product;
      }
      outputs.push_back(sum);
    }
  }
  return outputs;
}

// Every version that this processor can run, whichever it is that it would choose.
class DenseKernelsTest : public ::testing::TestWithParam<const DenseKernels*> {
 protected:
  static std::vector<float> Dense(const std::vector<float>& weights, const std::vector<float>& bias,
                                  const std::vector<float>& inputs, size_t rows) {
    std::vector<float> outputs(rows * bias.size(), kNaN);
    GetParam()->dense({.weights = weights.data(),
                       .bias = bias.data(),
                       .input_count = weights.size() / bias.size(),
                       .output_count = bias.size(),
                       .rows = rows,
                       .inputs = inputs.data(),
                       .outputs = outputs.data()});
    return outputs;
  }

  static std::vector<float> Tanh(std::vector<float> values) {
    GetParam()->tanh(values.data(), values.size());
    return values;
  }

  static float Tanh(float x) { return Tanh(std::vector<float>{x})[0]; }
};

TEST_P(DenseKernelsTest, LayersOfEveryShapeHaveTheBitsOfTheSumInOrder) {
  for (const size_t rows : {0, 1, 2, 7, 16, 37}) {
    for (const size_t inputs : {0, 1, 3, 64}) {
      for (size_t outputs = 1; outputs < 70; ++outputs) {
        const std::vector<float> weights = Numbers(inputs * outputs, 1.7f);
        const std::vector<float> bias = Numbers(outputs, 0.3f);
        const std::vector<float> rows_in = Numbers(rows * inputs, 2.9f);
        ASSERT_EQ(Bytes(Dense(weights, bias, rows_in, rows)), Bytes(SumInOrder(weights, bias, rows_in, rows)))
            << rows << " rows, " << inputs << " → " << outputs;
      }
    }
  }
}

TEST_P(DenseKernelsTest, ProductsAreRoundedBeforeTheyAreAdded) {
  // (1 + 2⁻¹²)² = 1 + 2⁻¹¹ + 2⁻²⁴, whose last term a float does not hold, while a fused operation would keep it.
  const float x = 1 + 0x1p-12f;
  EXPECT_EQ(Dense({x}, {-1 - 0x1p-11f}, {x}, 1)[0], 0);
}

TEST_P(DenseKernelsTest, TanhIsWithin4e7OfTheHyperbolicTangent) {
  std::vector<float> numbers;
  for (float x = 1e-6f; x < 12; x *= 1.00001f) numbers.push_back(x);
  ASSERT_GT(numbers.size(), 1'000'000u);
  const std::vector<float> results = Tanh(numbers);
  for (size_t i = 0; i < numbers.size(); ++i) {
    const double expected = std::tanh(static_cast<double>(numbers[i]));
    ASSERT_LE(std::abs(results[i] - expected), 4e-7 * expected) << numbers[i];
    ASSERT_LE(results[i], 1) << numbers[i];
  }
}

TEST_P(DenseKernelsTest, TanhIsOddAndSaturates) {
  for (const float x : Numbers(1000, 0.9f)) EXPECT_EQ(Tanh(-9 * x), -Tanh(9 * x)) << x;
  for (const float x : {9.02f, 50.0f, std::numeric_limits<float>::max(), kInfinity}) {
    EXPECT_EQ(Tanh(x), 1) << x;
    EXPECT_EQ(Tanh(-x), -1) << x;
  }
}

TEST_P(DenseKernelsTest, TanhOfWhatIsNextToZeroIsItself) {
  for (const float x : {1e-5f, 1e-30f, std::numeric_limits<float>::denorm_min(), 0.0f}) {
    EXPECT_EQ(Tanh(x), x);
    EXPECT_EQ(Tanh(-x), -x);
  }
  EXPECT_TRUE(std::signbit(Tanh(-0.0f)));
}

TEST_P(DenseKernelsTest, NaNsStayNaNs) {
  EXPECT_TRUE(std::isnan(Tanh(kNaN)));
  float number = kNaN;
  GetParam()->relu(&number, 1);
  EXPECT_TRUE(std::isnan(number));
  EXPECT_TRUE(std::isnan(Dense({1, 1}, {0}, {kNaN, 1}, 1)[0]));
}

TEST_P(DenseKernelsTest, ReluIsTheLargerOfTheNumberAndZero) {
  std::vector<float> numbers = {-kInfinity, -2, -1e-40f, 0, 1e-40f, 3.5f, kInfinity};
  GetParam()->relu(numbers.data(), numbers.size());
  EXPECT_EQ(numbers, std::vector<float>({0, 0, 0, 0, 1e-40f, 3.5f, kInfinity}));
}

TEST_P(DenseKernelsTest, TanhHasTheSameBitsOnEveryProcessor) {
  std::vector<float> numbers;
  for (int i = -2560; i <= 2560; ++i) numbers.push_back(static_cast<float>(i) / 256);
  // Printed by dense_reference.py.
  EXPECT_EQ(ToHex(Sha256(Bytes(Tanh(numbers)))), "c93b3f6526176d672a273a398bb0aefe5ff06fc412435aceee634dcc48d4fb28");
}

TEST_P(DenseKernelsTest, ActivationsDoNotDependOnThePosition) {
  const std::vector<float> numbers = Numbers(131, 0.7f);
  const std::vector<float> together = Tanh(numbers);
  std::vector<float> rectified = numbers;
  GetParam()->relu(rectified.data(), rectified.size());
  for (size_t i = 0; i < numbers.size(); ++i) {
    EXPECT_EQ(Tanh(numbers[i]), together[i]) << i;
    EXPECT_EQ(rectified[i], std::max(numbers[i], 0.0f)) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, DenseKernelsTest, ::testing::ValuesIn(SupportedDenseKernels()),
                         [](const auto& test) { return std::string(test.param->instruction_set); });

TEST(Dense, AppliesALayerToEachRow) {
  // (1, 2) and (3, 4) through weights [[1, 2, 3], [10, 20, 30]] and bias (100, 200, 300), by hand.
  const std::vector<float> weights = {1, 2, 3, 10, 20, 30};
  const std::vector<float> bias = {100, 200, 300};
  const std::vector<float> inputs = {1, 2, 3, 4};
  std::vector<float> outputs(6);
  ApplyDense({.weights = weights, .bias = bias}, inputs, outputs);
  EXPECT_EQ(outputs, std::vector<float>({121, 242, 363, 143, 286, 429}));
}

TEST(Dense, AppliesActivationsInPlace) {
  std::vector<float> values = {-1, 0, 0.5f};
  ApplyRelu(values);
  EXPECT_EQ(values, std::vector<float>({0, 0, 0.5f}));
  ApplyTanh(values);
  EXPECT_NEAR(values[2], 0.46211715726, 4e-7);
}

}  // namespace
}  // namespace understudy
