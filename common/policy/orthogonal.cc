#include "common/policy/orthogonal.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace understudy {
namespace {

double Dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// Modified Gram–Schmidt: makes `count` vectors of `length` numbers, one after the other, orthonormal. They are random
// normal, so well away from dependent; double precision leaves errors far below float's.
void Orthonormalise(std::vector<double>& vectors, int64_t count, int64_t length) {
  const auto vector = [&](int64_t i) { return std::span<double>(vectors).subspan(i * length, length); };
  for (int64_t i = 0; i < count; ++i) {
    const std::span<double> current = vector(i);
    const double scale = 1 / std::sqrt(Dot(current, current));
    for (double& x : current) x *= scale;
    for (int64_t j = i + 1; j < count; ++j) {
      const std::span<double> later = vector(j);
      const double projection = Dot(current, later);
      for (int64_t k = 0; k < length; ++k) later[k] -= projection * current[k];
    }
  }
}

}  // namespace

std::vector<float> OrthogonalMatrix(int64_t rows, int64_t columns, double gain, RandomStream random) {
  const int64_t count = std::min(rows, columns);
  const int64_t length = std::max(rows, columns);
  std::vector<double> vectors(count * length);
  for (double& x : vectors) x = random.Normal();
  Orthonormalise(vectors, count, length);

  std::vector<float> matrix(rows * columns);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      const int64_t source = rows < columns ? row * length + column : column * length + row;
      matrix[row * columns + column] = static_cast<float>(gain * vectors[source]);
    }
  }
  return matrix;
}

}  // namespace understudy
