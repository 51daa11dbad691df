// Orthogonal initialisation of weight matrices.
#ifndef UNDERSTUDY_COMMON_POLICY_ORTHOGONAL_H_
#define UNDERSTUDY_COMMON_POLICY_ORTHOGONAL_H_

#include <cstdint>
#include <vector>

#include "common/random/random_stream.h"

namespace understudy {

// Returns a rows × columns matrix, row by row, of uniformly distributed orthogonal vectors of length `gain` (Saxe et
// al. 2013, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks"). The vectors are
// the rows if there are fewer rows than columns, and otherwise the columns. It is computed without LAPACK, so that the
// same random numbers give the same matrix everywhere.
std::vector<float> OrthogonalMatrix(int64_t rows, int64_t columns, double gain, RandomStream random);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_POLICY_ORTHOGONAL_H_
