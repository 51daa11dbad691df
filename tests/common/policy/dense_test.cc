#include "common/policy/dense.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "common/snapshot/checksum.h"

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
        sum = std::fma(inputs[row * input_count + i], weights[i * bias.size() + j], sum);
      }
      outputs.push_back(sum);
    }
  }
  return outputs;
}

// What dense_kernels.h says of dot products.
float PartialSums(const float* left, const float* right, size_t terms) {
  float sums[kPartialSums] = {};
  for (size_t p = 0; p < terms; ++p) sums[p % kPartialSums] = std::fma(left[p], right[p], sums[p % kPartialSums]);
  for (int half = kPartialSums / 2; half > 0; half /= 2) {
    for (int l = 0; l < half; ++l) sums[l] += sums[l + half];
  }
  return sums[0];
}

// Every version that this processor can run, whichever it is that it would choose.
class DenseKernelsTest : public ::testing::TestWithParam<const DenseKernels*> {
 protected:
  static std::vector<float> Dense(const std::vector<float>& weights, const std::vector<float>& bias,
                                  const std::vector<float>& inputs, size_t rows) {
    std::vector<float> outputs(rows * bias.size(), kNaN);
    const size_t input_count = weights.size() / bias.size();
    GetParam()->multiply({.rows = rows,
                          .columns = bias.size(),
                          .terms = input_count,
                          .left = inputs.data(),
                          .left_row_stride = input_count,
                          .left_term_stride = 1,
                          .right = weights.data(),
                          .start = bias.data(),
                          .start_row_stride = 0,
                          .result = outputs.data()});
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

TEST_P(DenseKernelsTest, ProductsAreNotRoundedBeforeTheyAreAdded) {
  // (1 + 2⁻¹²)² = 1 + 2⁻¹¹ + 2⁻²⁴, whose last term a float does not hold.
  const float x = 1 + 0x1p-12f;
  for (const size_t outputs : {1, 4, 8, 16, 32}) {
    EXPECT_EQ(Dense(std::vector<float>(outputs, x), std::vector<float>(outputs, -1 - 0x1p-11f), {x}, 1),
              std::vector<float>(outputs, 0x1p-24f));
  }
}

TEST_P(DenseKernelsTest, DotProductsOfEveryShapeHaveTheBitsOfPartialSums) {
  for (const size_t rows : {0, 1, 5}) {
    for (const size_t columns : {1, 2, 7}) {
      for (const size_t terms : {0, 1, 15, 16, 17, 64, 100}) {
        const std::vector<float> left = Numbers(rows * terms, 1.7f), right = Numbers(columns * terms, 2.9f);
        const std::vector<float> start = Numbers(columns, 0.3f);
        std::vector<float> results(rows * columns, kNaN), expected;
        GetParam()->dots({.rows = rows,
                          .columns = columns,
                          .terms = terms,
                          .left = left.data(),
                          .right = right.data(),
                          .start = start.data(),
                          .result = results.data()});
        for (size_t i = 0; i < rows; ++i) {
          for (size_t j = 0; j < columns; ++j) {
            expected.push_back(start[j] + PartialSums(left.data() + i * terms, right.data() + j * terms, terms));
          }
        }
        ASSERT_EQ(Bytes(results), Bytes(expected)) << rows << " × " << columns << ", " << terms << " terms";
      }
    }
  }
}

TEST_P(DenseKernelsTest, ReadsTransposedMatricesAndAddsToWhatIsThere) {
  // [[1, 4], [2, 5], [3, 6]]ᵀ · [[1, 10], [2, 20], [3, 30]] + [[100, 200], [300, 400]], by hand.
  const std::vector<float> left = {1, 4, 2, 5, 3, 6}, right = {1, 10, 2, 20, 3, 30};
  std::vector<float> sums = {100, 200, 300, 400};
  GetParam()->multiply({.rows = 2,
                        .columns = 2,
                        .terms = 3,
                        .left = left.data(),
                        .left_row_stride = 1,
                        .left_term_stride = 2,
                        .right = right.data(),
                        .start = sums.data(),
                        .start_row_stride = 2,
                        .result = sums.data()});
  EXPECT_EQ(sums, std::vector<float>({114, 340, 332, 720}));
}

TEST_P(DenseKernelsTest, GradientsOfActivationsAreTheirDerivatives) {
  for (const size_t count : {1, 3, 16, 37}) {
    const std::vector<float> values = Numbers(count, 0.9f), before = Numbers(count, 1.3f);
    std::vector<float> tanh = before, relu = before;
    GetParam()->tanh_gradient(values.data(), tanh.data(), count);
    GetParam()->relu_gradient(values.data(), relu.data(), count);
    for (size_t i = 0; i < count; ++i) {
      EXPECT_EQ(tanh[i], std::fma(-values[i], values[i], 1.0f) * before[i]);
      EXPECT_EQ(relu[i], values[i] > 0 ? before[i] : 0);
    }
  }
}

TEST_P(DenseKernelsTest, AddsElementByElement) {
  const std::vector<float> terms = Numbers(37, 0.9f), before = Numbers(37, 1.3f);
  std::vector<float> sums = before;
  GetParam()->add(terms.data(), sums.data(), sums.size());
  for (size_t i = 0; i < sums.size(); ++i) EXPECT_EQ(sums[i], before[i] + terms[i]);
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
  EXPECT_EQ(ToHex(Sha256(Bytes(Tanh(numbers)))), "aab1d41333deabfbab150c81926a68094785ede179eb89c59e93db624a1758d5");
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

TEST(Dense, GradientsOfALayerAreSumsOverRows) {
  // Inputs (1, 2), (3, 4); derivatives by outputs (1, 0, 2), (10, 20, 30). Wide enough a layer takes another way.
  const std::vector<float> inputs = {1, 2, 3, 4};
  const std::vector<float> output_gradients = {1, 0, 2, 10, 20, 30};
  std::vector<float> weights(6, 1000.0f), bias(3, 500.0f), scratch;
  AddDenseGradient(inputs, output_gradients, {.weights = weights, .bias = bias}, scratch);
  EXPECT_EQ(weights, std::vector<float>({1031, 1060, 1092, 1042, 1080, 1124}));
  EXPECT_EQ(bias, std::vector<float>({511, 520, 532}));
}

TEST(Dense, GradientsOfFewOutputsHaveTheSameBitsAsThoseOfMany) {
  constexpr size_t kRows = 37, kInputs = 24, kOutputs = 20, kFew = 2;
  const std::vector<float> inputs = Numbers(kRows * kInputs, 0.7f), gradients = Numbers(kRows * kOutputs, 1.9f);
  std::vector<float> few_gradients;
  for (size_t row = 0; row < kRows; ++row) {
    for (size_t j = 0; j < kFew; ++j) few_gradients.push_back(gradients[row * kOutputs + j]);
  }
  std::vector<float> many(kInputs * kOutputs), many_bias(kOutputs), few(kInputs * kFew), few_bias(kFew), scratch;
  AddDenseGradient(inputs, gradients, {.weights = many, .bias = many_bias}, scratch);
  AddDenseGradient(inputs, few_gradients, {.weights = few, .bias = few_bias}, scratch);
  for (size_t j = 0; j < kFew; ++j) {
    EXPECT_EQ(few_bias[j], many_bias[j]);
    for (size_t i = 0; i < kInputs; ++i) EXPECT_EQ(few[i * kFew + j], many[i * kOutputs + j]) << i << " " << j;
  }
}

TEST(Dense, PropagatesGradientsToInputs) {
  // Derivatives by outputs (1, 10) through transposed weights [[1, 2, 3], [4, 5, 6]], by hand.
  const std::vector<float> transposed = {1, 2, 3, 4, 5, 6}, output_gradients = {1, 10};
  std::vector<float> inputs = {100, 200, 300};
  PropagateDense(transposed, output_gradients, 2, /*add=*/true, inputs);
  EXPECT_EQ(inputs, std::vector<float>({141, 252, 363}));
  PropagateDense(transposed, output_gradients, 2, /*add=*/false, inputs);
  EXPECT_EQ(inputs, std::vector<float>({41, 52, 63}));
}

TEST(Dense, TransposesMatricesOfEveryShape) {
  for (const size_t rows : {1, 2, 16, 17, 40}) {
    for (const size_t columns : {1, 3, 64}) {
      const std::vector<float> matrix = Numbers(rows * columns, 0.7f);
      std::vector<float> transposed(matrix.size());
      Transpose(matrix, columns, transposed);
      for (size_t i = 0; i < rows; ++i) {
        for (size_t j = 0; j < columns; ++j) ASSERT_EQ(transposed[j * rows + i], matrix[i * columns + j]);
      }
    }
  }
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
