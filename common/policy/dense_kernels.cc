// Compiled for each instruction set in turn, without contraction of a product and a sum into one rounding: versions
// differ in how many outputs they compute at once, never in what is done to one.
#include "common/policy/dense_kernels.h"

namespace understudy {
namespace {

#if defined(__AVX512F__)
constexpr int kFloats = 16;  // in a vector register
constexpr int kSums = 16;    // vectors of sums that registers hold besides operands
#elif defined(__AVX2__)
constexpr int kFloats = 8;
constexpr int kSums = 8;
#else
constexpr int kFloats = 4;
constexpr int kSums = 8;
#endif

template <int kWidth>
struct VectorOf {
  typedef float Type __attribute__((vector_size(kWidth * sizeof(float))));
};
template <>
struct VectorOf<1> {
  using Type = float;
};
template <int kWidth>
using Vector = typename VectorOf<kWidth>::Type;

template <int kWidth>
inline Vector<kWidth> Load(const float* source) {
  Vector<kWidth> vector;
  __builtin_memcpy(&vector, source, sizeof(vector));
  return vector;
}

template <int kWidth>
inline void Store(Vector<kWidth> vector, float* target) {
  __builtin_memcpy(target, &vector, sizeof(vector));
}

// kRows rows × kVectors vectors of outputs, whose sums stay in registers: bias first, then input by input.
template <int kRows, int kVectors, int kWidth>
inline void Tile(const DenseArguments& a, size_t row, size_t column) {
  Vector<kWidth> sums[kRows][kVectors];
  for (int v = 0; v < kVectors; ++v) {
    for (int r = 0; r < kRows; ++r) sums[r][v] = Load<kWidth>(a.bias + column + v * kWidth);
  }
  const float* const inputs = a.inputs + row * a.input_count;
  const float* weights = a.weights + column;
  for (size_t i = 0; i < a.input_count; ++i, weights += a.output_count) {
    Vector<kWidth> w[kVectors];
    for (int v = 0; v < kVectors; ++v) w[v] = Load<kWidth>(weights + v * kWidth);
    for (int r = 0; r < kRows; ++r) {
      const float x = inputs[r * a.input_count + i];
      for (int v = 0; v < kVectors; ++v) sums[r][v] += x * w[v];
    }
  }
  float* const outputs = a.outputs + row * a.output_count + column;
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) Store<kWidth>(sums[r][v], outputs + r * a.output_count + v * kWidth);
  }
}

template <int kRows, int kVectors, int kWidth>
inline void AllRows(const DenseArguments& a, size_t row, size_t column) {
  for (; row + kRows <= a.rows; row += kRows) Tile<kRows, kVectors, kWidth>(a, row, column);
  if constexpr (kRows > 1) AllRows<kRows / 2, kVectors, kWidth>(a, row, column);
}

// From `column` on; what is left over goes to narrower vectors.
template <int kVectors, int kWidth>
inline void AllColumns(const DenseArguments& a, size_t column) {
  constexpr int kColumns = kVectors * kWidth;
  for (; column + kColumns <= a.output_count; column += kColumns) {
    AllRows<kSums / kVectors, kVectors, kWidth>(a, 0, column);
  }
  if constexpr (kVectors > 1) {
    AllColumns<kVectors / 2, kWidth>(a, column);
  } else if constexpr (kWidth > 1) {
    AllColumns<1, kWidth / 2>(a, column);
  }
}

void Dense(const DenseArguments& arguments) { AllColumns<2, kFloats>(arguments, 0); }

template <typename V>
inline V Clamp(V x, float limit) {
  const V high = V{} + limit;
  const V low = V{} - limit;
  x = x > high ? high : x;  // a NaN is neither above nor below, and stays
  return x < low ? low : x;
}

// x P(x²) / Q(x²) with the smallest largest relative error, 1.0e-9, over [-9.02, 9.02], beyond which tanh is 1 to
// float's precision. All coefficients are positive, so nothing cancels; P(0) = Q(0) = 1 gives small x exactly.
struct Tanh {
  template <typename V>
  static V Apply(V x) {
    x = Clamp(x, 9.02f);
    const V u = x * x;
    V p = u * 5.0898080330739294e-8f + 3.1630368591433316e-5f;
    p = p * u + 4.0104803121013341e-3f;
    p = p * u + 0.13786929553650818f;
    p = p * u + 1.0f;
    V q = u * 7.4006599543640076e-10f + 1.6205941663018984e-6f;
    q = q * u + 4.2109192166145765e-4f;
    q = q * u + 2.7744699924273514e-2f;
    q = q * u + 0.47120262270667094f;
    q = q * u + 1.0f;
    return Clamp(x * p / q, 1.0f);
  }
};

struct Relu {
  template <typename V>
  static V Apply(V x) {
    return x < V{} ? V{} : x;
  }
};

template <typename Function, int kWidth>
inline void AllValues(float* values, size_t count, size_t i) {
  for (; i + kWidth <= count; i += kWidth) Store<kWidth>(Function::Apply(Load<kWidth>(values + i)), values + i);
  if constexpr (kWidth > 1) AllValues<Function, kWidth / 2>(values, count, i);
}

template <typename Function>
void Apply(float* values, size_t count) {
  AllValues<Function, kFloats>(values, count, 0);
}

}  // namespace

extern const DenseKernels UNDERSTUDY_DENSE_KERNELS = {
    .instruction_set = UNDERSTUDY_DENSE_INSTRUCTION_SET,
    .dense = Dense,
    .tanh = Apply<Tanh>,
    .relu = Apply<Relu>,
};

}  // namespace understudy
