#include "learner/algorithms/exponentials.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "common/snapshot/checksum.h"

namespace understudy {
namespace {

std::string Hash(const std::vector<double>& numbers) {
  return ToHex(Sha256(std::string(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(double))));
}

// Every version that this processor can run, whichever it is that it would choose.
class ExponentialKernelsTest : public ::testing::TestWithParam<const ExponentialKernels*> {
 protected:
  static std::vector<double> Exp(std::vector<double> numbers) {
    GetParam()->exp(numbers.data(), numbers.size());
    return numbers;
  }
  static std::vector<double> Log(std::vector<double> numbers) {
    GetParam()->log(numbers.data(), numbers.size());
    return numbers;
  }
};

TEST_P(ExponentialKernelsTest, ExponentialsAreWithin5e16) {
  std::vector<double> numbers;
  for (double x = -708; x <= 709; x += 0.00137) numbers.push_back(x);
  const std::vector<double> results = Exp(numbers);
  for (size_t i = 0; i < numbers.size(); ++i) {
    ASSERT_NEAR(results[i] / std::exp(numbers[i]), 1, 5e-16) << numbers[i];
  }
}

TEST_P(ExponentialKernelsTest, LogarithmsAreWithin5e16) {
  std::vector<double> numbers;
  for (double x = 1e-300; x < 1e300; x *= 1.00317) numbers.push_back(x);
  for (double x = 0.5; x < 2; x += 1e-5) numbers.push_back(x);
  const std::vector<double> results = Log(numbers);
  for (size_t i = 0; i < numbers.size(); ++i) {
    const double expected = std::log(numbers[i]);
    ASSERT_LE(std::abs(results[i] - expected), 5e-16 * std::abs(expected)) << numbers[i];
  }
}

TEST_P(ExponentialKernelsTest, WhatIsKnownExactlyIsExact) {
  EXPECT_EQ(Exp({0, -0.0}), std::vector<double>({1, 1}));
  EXPECT_EQ(Log({1})[0], 0);
}

TEST_P(ExponentialKernelsTest, WhatIsTooLargeOrTooSmallIsTheBounds) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(Exp({1e9, kInfinity, -1e9, -kInfinity}), Exp({709, 709, -708, -708}));
  EXPECT_TRUE(std::isnan(Exp({std::nan("")})[0]));
}

TEST_P(ExponentialKernelsTest, HaveTheSameBitsOnEveryProcessorAndAtEveryPosition) {
  std::vector<double> exponents, numbers;
  for (int i = -23000; i <= 23000; ++i) exponents.push_back(i / 32.0);
  for (int i = 0; i < 10000; ++i) numbers.push_back((i + 1) / 512.0);
  // Printed by exponentials_reference.py.
  EXPECT_EQ(Hash(Exp(exponents)), "8d11365e4db87163d75101ab6b891e893bac42944066e5aef056805840a9857e");
  EXPECT_EQ(Hash(Log(numbers)), "64def66a360098047aabf87a6f2595c55c31bbfbef02399495f3cbda22a53193");
  const std::vector<double> exponentials = Exp(exponents), logarithms = Log(numbers);
  for (size_t i = 0; i < 37; ++i) {
    EXPECT_EQ(Exp({exponents[i]})[0], exponentials[i]);
    EXPECT_EQ(Log({numbers[i]})[0], logarithms[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, ExponentialKernelsTest, ::testing::ValuesIn(SupportedExponentialKernels()),
                         [](const auto& test) { return std::string(test.param->instruction_set); });

}  // namespace
}  // namespace understudy
