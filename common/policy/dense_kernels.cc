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

constexpr int kWidest = 4;  // vectors of a tile
constexpr float kZeros[kWidest * kFloats] = {};

// kRowCount rows × kVectors vectors of columns, whose sums stay in registers.
template <int kRowCount, int kVectors, int kWidth>
inline void Tile(const MatrixProduct& m, size_t row, size_t column) {
  Vector<kWidth> sums[kRowCount][kVectors];
  // Without a branch, over which the compiler would keep the sums in memory.
  const float* const start = m.start != nullptr ? m.start + row * m.start_row_stride + column : kZeros;
  const size_t start_row_stride = m.start != nullptr ? m.start_row_stride : 0;
  for (int r = 0; r < kRowCount; ++r) {
    for (int v = 0; v < kVectors; ++v) sums[r][v] = Load<kWidth>(start + r * start_row_stride + v * kWidth);
  }
  // A product without terms may have no factors, and no element of them may be named then.
  const float* left = m.terms == 0 ? m.left : m.left + row * m.left_row_stride;
  const float* right = m.terms == 0 ? m.right : m.right + column;
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

// Few rows leave few sums that do not wait for each other, unless tiles are wide.
void Multiply(const MatrixProduct& product) {
  product.rows <= 4 ? AllColumns<kWidest, kFloats>(product, 0) : AllColumns<2, kFloats>(product, 0);
}

// Folds the upper half of the lanes onto the lower half until one is left.
template <int kWidth>
inline float Fold(Vector<kWidth> vector) {
  if constexpr (kWidth == 1) {
    return vector;
  } else {
    Vector<kWidth / 2> halves[2];
    __builtin_memcpy(halves, &vector, sizeof(vector));
    return Fold<kWidth / 2>(halves[0] + halves[1]);
  }
}

// The first `count` numbers, then zeros. By mask: a copy of a length that varies is a call.
inline Vector<kFloats> LoadFirst(const float* source, int count) {
#if defined(__AVX512F__)
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), source);
#elif defined(__AVX2__)
  const __m256i places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_maskload_ps(source, _mm256_cmpgt_epi32(_mm256_set1_epi32(count), places));
#else
  Vector<kFloats> result = {};
  for (int i = 0; i < count; ++i) result[i] = source[i];
  return result;
#endif
}

// The first kPartialSums numbers of left and right, multiplied and added to the partial sums.
constexpr int kSumVectors = kPartialSums / kFloats;
inline void AddProducts(const float* left, const float* right, Vector<kFloats> (&sums)[kSumVectors]) {
  for (int v = 0; v < kSumVectors; ++v) {
    sums[v] = MultiplyAdd<kFloats>(Load<kFloats>(left + v * kFloats), Load<kFloats>(right + v * kFloats), sums[v]);
  }
}

float Dot(const float* left, const float* right, size_t count) {
  Vector<kFloats> sums[kSumVectors] = {};
  size_t p = 0;
  for (; p + kPartialSums <= count; p += kPartialSums) AddProducts(left + p, right + p, sums);
  const int rest = static_cast<int>(count - p);
  for (int v = 0; rest > 0 && v < kSumVectors; ++v) {
    const int taken = v * kFloats;
    const int here = rest < taken ? 0 : rest < taken + kFloats ? rest - taken : kFloats;
    sums[v] = MultiplyAdd<kFloats>(LoadFirst(left + p + taken, here), LoadFirst(right + p + taken, here), sums[v]);
  }
  for (int half = kSumVectors / 2; half > 0; half /= 2) {
    for (int v = 0; v < half; ++v) sums[v] += sums[v + half];
  }
  return Fold<kFloats>(sums[0]);
}

void Dots(const DotProducts& d) {
  for (size_t j = 0; j < d.columns; ++j) {
    for (size_t i = 0; i < d.rows; ++i) {
      d.result[i * d.columns + j] = d.start[j] + Dot(d.left + i * d.terms, d.right + j * d.terms, d.terms);
    }
  }
}

// Within ± limit; NaNs stay. Intrinsics, as no comparison becomes one instruction: these return the second operand
// where one is a NaN.
template <int kWidth>
inline Vector<kWidth> Clamp(Vector<kWidth> x, float limit) {
  const Vector<kWidth> high = Vector<kWidth>{} + limit;
  const Vector<kWidth> low = Vector<kWidth>{} - limit;
#ifdef __AVX512F__
  constexpr __mmask16 kAll = 0xFFFF;  // with it, GCC 12 does not warn of the header's own variables
  if constexpr (kWidth == 16) return _mm512_maskz_max_ps(kAll, low, _mm512_maskz_min_ps(kAll, high, x));
#endif
#ifdef __AVX2__
  if constexpr (kWidth == 8) return _mm256_max_ps(low, _mm256_min_ps(high, x));
#endif
  x = x > high ? high : x;
  return x < low ? low : x;
}

// x P(x²) / Q(x²) with the smallest largest relative error, 1.0e-9, over [-9.02, 9.02], beyond which tanh is 1 to
// float's precision. All coefficients are positive, so nothing cancels; P(0) = Q(0) = 1 gives small x exactly.
struct Tanh {
  template <int kWidth>
  static Vector<kWidth> Apply(Vector<kWidth> x) {
    using V = Vector<kWidth>;
    x = Clamp<kWidth>(x, 9.02f);
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
    return Clamp<kWidth>(x * p / q, 1.0f);
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
    .dots = Dots,
    .tanh = Apply<Tanh>,
    .relu = Apply<Relu>,
    .tanh_gradient = ApplyToPairs<TanhGradient>,
    .relu_gradient = ApplyToPairs<ReluGradient>,
    .add = ApplyToPairs<Sum>,
};

}  // namespace understudy
