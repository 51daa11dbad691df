// Compiled for each instruction set in turn: versions differ in how many numbers they compute at once, never in what is
// done to one. Contraction is off, every fused operation is written as one.
#include "common/policy/dense_kernels.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace understudy {
namespace {

#if defined(__AVX512F__)
constexpr int kFloats = 16;  // in a vector register
constexpr int kRows = 8;     // of a tile of two vectors' columns, whose sums registers hold besides operands
#elif defined(__AVX2__)
constexpr int kFloats = 8;
constexpr int kRows = 6;
#else
constexpr int kFloats = 4;
constexpr int kRows = 4;
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

// The number in every lane. Intrinsics, as adding it to zeros is no copy to the compiler: 0 + -0 is 0.
template <int kWidth>
inline Vector<kWidth> Broadcast(float number) {
  if constexpr (kWidth == 1) {
    return number;
#ifdef __AVX512F__
  } else if constexpr (kWidth == 16) {
    return _mm512_set1_ps(number);
#endif
#ifdef __AVX2__
  } else if constexpr (kWidth == 8) {
    return _mm256_set1_ps(number);
  } else if constexpr (kWidth == 4) {
    return _mm_set1_ps(number);
#endif
  } else {
    Vector<kWidth> result;
    for (int i = 0; i < kWidth; ++i) result[i] = number;
    return result;
  }
}

// a · b + c, rounded once. Where the processor has no such instruction, the C library computes it, slowly.
template <int kWidth>
inline Vector<kWidth> MultiplyAdd(Vector<kWidth> a, Vector<kWidth> b, Vector<kWidth> c) {
  if constexpr (kWidth == 1) {
    return __builtin_fmaf(a, b, c);
#ifdef __AVX512F__
  } else if constexpr (kWidth == 16) {
    return _mm512_fmadd_ps(a, b, c);
#endif
#ifdef __AVX2__
  } else if constexpr (kWidth == 8) {
    return _mm256_fmadd_ps(a, b, c);
  } else if constexpr (kWidth == 4) {
    return _mm_fmadd_ps(a, b, c);
#endif
  } else {
    Vector<kWidth> result;
    for (int i = 0; i < kWidth; ++i) result[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return result;
  }
}

// kRowCount rows × kVectors vectors of columns, whose sums stay in registers.
template <int kRowCount, int kVectors, int kWidth>
inline void Tile(const MatrixProduct& m, size_t row, size_t column) {
  Vector<kWidth> sums[kRowCount][kVectors];
  for (int r = 0; r < kRowCount; ++r) {
    const size_t start = (row + r) * m.start_row_stride + column;
    for (int v = 0; v < kVectors; ++v) {
      sums[r][v] = m.start != nullptr ? Load<kWidth>(m.start + start + v * kWidth) : Broadcast<kWidth>(0);
    }
  }
  const float* left = m.left + row * m.left_row_stride;
  const float* right = m.right + column;
  for (size_t p = 0; p < m.terms; ++p, left += m.left_term_stride, right += m.columns) {
    Vector<kWidth> factors[kVectors];
    for (int v = 0; v < kVectors; ++v) factors[v] = Load<kWidth>(right + v * kWidth);
    for (int r = 0; r < kRowCount; ++r) {
      const Vector<kWidth> factor = Broadcast<kWidth>(left[r * m.left_row_stride]);
      for (int v = 0; v < kVectors; ++v) sums[r][v] = MultiplyAdd<kWidth>(factor, factors[v], sums[r][v]);
    }
  }
  for (int r = 0; r < kRowCount; ++r) {
    float* const result = m.result + (row + r) * m.columns + column;
    for (int v = 0; v < kVectors; ++v) Store<kWidth>(sums[r][v], result + v * kWidth);
  }
}

template <int kRowCount, int kVectors, int kWidth>
inline void AllRows(const MatrixProduct& m, size_t row, size_t column) {
  for (; row + kRowCount <= m.rows; row += kRowCount) Tile<kRowCount, kVectors, kWidth>(m, row, column);
  if constexpr (kRowCount > 1) AllRows<kRowCount / 2, kVectors, kWidth>(m, row, column);
}

// From `column` on; what is left over goes to narrower vectors.
template <int kVectors, int kWidth>
inline void AllColumns(const MatrixProduct& m, size_t column) {
  constexpr int kColumns = kVectors * kWidth;
  for (; column + kColumns <= m.columns; column += kColumns)
    AllRows<2 * kRows / kVectors, kVectors, kWidth>(m, 0, column);
  if constexpr (kVectors > 1) {
    AllColumns<kVectors / 2, kWidth>(m, column);
  } else if constexpr (kWidth > 4) {
    AllColumns<1, kWidth / 2>(m, column);
  } else if constexpr (kWidth > 1) {
    AllColumns<1, 1>(m, column);
  }
}

void Multiply(const MatrixProduct& product) { AllColumns<2, kFloats>(product, 0); }

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
  template <int kWidth>
  static Vector<kWidth> Apply(Vector<kWidth> x) {
    using V = Vector<kWidth>;
    x = Clamp(x, 9.02f);
    const V u = x * x;
    const auto next = [u](V sum, float coefficient) { return MultiplyAdd<kWidth>(sum, u, V{} + coefficient); };
    V p = next(V{} + 5.0898080330739294e-8f, 3.1630368591433316e-5f);
    p = next(p, 4.0104803121013341e-3f);
    p = next(p, 0.13786929553650818f);
    p = next(p, 1.0f);
    V q = next(V{} + 7.4006599543640076e-10f, 1.6205941663018984e-6f);
    q = next(q, 4.2109192166145765e-4f);
    q = next(q, 2.7744699924273514e-2f);
    q = next(q, 0.47120262270667094f);
    q = next(q, 1.0f);
    return Clamp(x * p / q, 1.0f);
  }
};

struct Relu {
  template <int kWidth>
  static Vector<kWidth> Apply(Vector<kWidth> x) {
    return x < Vector<kWidth>{} ? Vector<kWidth>{} : x;
  }
};

template <typename Function, int kWidth>
inline void AllValues(float* values, size_t count, size_t i) {
  for (; i + kWidth <= count; i += kWidth)
    Store<kWidth>(Function::template Apply<kWidth>(Load<kWidth>(values + i)), values + i);
  if constexpr (kWidth > 4) {
    AllValues<Function, kWidth / 2>(values, count, i);
  } else if constexpr (kWidth > 1) {
    AllValues<Function, 1>(values, count, i);
  }
}

template <typename Function>
void Apply(float* values, size_t count) {
  AllValues<Function, kFloats>(values, count, 0);
}

// 1 - y² times the gradient: y is the hyperbolic tangent.
struct TanhGradient {
  template <int kWidth>
  static Vector<kWidth> Apply(Vector<kWidth> y, Vector<kWidth> gradient) {
    return MultiplyAdd<kWidth>(-y, y, Vector<kWidth>{} + 1.0f) * gradient;
  }
};

struct ReluGradient {
  template <int kWidth>
  static Vector<kWidth> Apply(Vector<kWidth> y, Vector<kWidth> gradient) {
    return y > Vector<kWidth>{} ? gradient : Vector<kWidth>{};
  }
};

struct Sum {
  template <int kWidth>
  static Vector<kWidth> Apply(Vector<kWidth> term, Vector<kWidth> sum) {
    return sum + term;
  }
};

// The second of a pair becomes the function's result.
template <typename Function, int kWidth>
inline void AllPairs(const float* first, float* second, size_t count, size_t i) {
  for (; i + kWidth <= count; i += kWidth) {
    Store<kWidth>(Function::template Apply<kWidth>(Load<kWidth>(first + i), Load<kWidth>(second + i)), second + i);
  }
  if constexpr (kWidth > 4) {
    AllPairs<Function, kWidth / 2>(first, second, count, i);
  } else if constexpr (kWidth > 1) {
    AllPairs<Function, 1>(first, second, count, i);
  }
}

template <typename Function>
void ApplyToPairs(const float* first, float* second, size_t count) {
  AllPairs<Function, kFloats>(first, second, count, 0);
}

}  // namespace

extern const DenseKernels UNDERSTUDY_KERNELS = {
    .instruction_set = UNDERSTUDY_INSTRUCTION_SET,
    .multiply = Multiply,
    .tanh = Apply<Tanh>,
    .relu = Apply<Relu>,
    .tanh_gradient = ApplyToPairs<TanhGradient>,
    .relu_gradient = ApplyToPairs<ReluGradient>,
    .add = ApplyToPairs<Sum>,
};

}  // namespace understudy
