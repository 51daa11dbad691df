// Plain loops without a branch, which the compiler makes vector instructions of: elementwise and without fused
// operations, so that all versions give the same bits.
#include "learner/algorithms/exponential_kernels.h"

namespace understudy {
namespace {

using Bits = unsigned long long;

constexpr int kMantissaBits = 52;
constexpr Bits kBias = 1023;  // of a double's exponent
// ln 2 in two parts: a product of the first one and a double's exponent is exact.
constexpr double kLn2High = 0x1.62e42feep-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;

inline Bits BitsOf(double number) {
  Bits bits = 0;
  __builtin_memcpy(&bits, &number, sizeof(bits));
  return bits;
}

inline double FromBits(Bits bits) {
  double number = 0;
  __builtin_memcpy(&number, &bits, sizeof(number));
  return number;
}

// exp x = 2^k · exp r with |r| ≤ ln(2) / 2, by Taylor's series, whose next term is less than 5e-18.
void Exp(double* numbers, size_t count) {
  constexpr double kLog2E = 0x1.71547652b82fep0;
  constexpr double kRound = 0x1.8p52;  // what is added to this is rounded to a whole number, in the lowest bits
  for (size_t i = 0; i < count; ++i) {
    double x = numbers[i];
    x = x < -708 ? -708 : x;
    x = x > 709 ? 709 : x;
    const double rounded = x * kLog2E + kRound;
    const double k = rounded - kRound;
    const double r = (x - k * kLn2High) - k * kLn2Low;
    double sum = 1.0 / 6227020800;
    sum = sum * r + 1.0 / 479001600;
    sum = sum * r + 1.0 / 39916800;
    sum = sum * r + 1.0 / 3628800;
    sum = sum * r + 1.0 / 362880;
    sum = sum * r + 1.0 / 40320;
    sum = sum * r + 1.0 / 5040;
    sum = sum * r + 1.0 / 720;
    sum = sum * r + 1.0 / 120;
    sum = sum * r + 1.0 / 24;
    sum = sum * r + 1.0 / 6;
    sum = sum * r + 0.5;
    sum = sum * r + 1;
    sum = sum * r + 1;
    numbers[i] = sum * FromBits((BitsOf(rounded) + kBias) << kMantissaBits);
  }
}

// log x = k ln 2 + log m with √½ ≤ m < √2 and log m = 2 artanh s = 2 (s + s³/3 + s⁵/5 + …), s = (m - 1) / (m + 1), of
// which the next term is less than 3e-17 of the whole.
void Log(double* numbers, size_t count) {
  constexpr Bits kRootOfHalf = 0x3FE6A09E667F3BCD;
  constexpr Bits kTwoToThe52 = 0x4330000000000000;  // a double that has whole numbers in its lowest bits
  for (size_t i = 0; i < count; ++i) {
    const Bits bits = BitsOf(numbers[i]);
    const Bits exponent = (bits - kRootOfHalf + (kBias << kMantissaBits)) >> kMantissaBits;  // k + kBias
    const double k = FromBits(kTwoToThe52 | exponent) - (0x1p52 + kBias);
    const double m = FromBits(bits - ((exponent - kBias) << kMantissaBits));
    const double s = (m - 1) / (m + 1);
    const double z = s * s;
    double sum = 2.0 / 19;
    sum = sum * z + 2.0 / 17;
    sum = sum * z + 2.0 / 15;
    sum = sum * z + 2.0 / 13;
    sum = sum * z + 2.0 / 11;
    sum = sum * z + 2.0 / 9;
    sum = sum * z + 2.0 / 7;
    sum = sum * z + 2.0 / 5;
    sum = sum * z + 2.0 / 3;
    sum = sum * z + 2;
    numbers[i] = k * kLn2High + (s * sum + k * kLn2Low);
  }
}

}  // namespace

extern const ExponentialKernels UNDERSTUDY_KERNELS = {
    .instruction_set = UNDERSTUDY_INSTRUCTION_SET, .exp = Exp, .log = Log};

}  // namespace understudy
