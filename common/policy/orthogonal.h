// Orthogonal initialisation of weight matrices.
#ifndef UNDERSTUDY_COMMON_POLICY_ORTHOGONAL_H_
#define UNDERSTUDY_COMMON_POLICY_ORTHOGONAL_H_

#include <cstdint>
#include <vector>

#include "common/random/random_stream.h"

namespace understudy {

// A rows × columns matrix (row by row) whose rows (where there are fewer rows than columns) or columns (elsewhere) are
// orthogonal vectors of length `gain`, uniformly distributed (Saxe et al. 2013, "Exact solutions to the nonlinear
// dynamics of learning in deep linear neural networks"). Computed without LAPACK, so that the same random numbers give
// the same matrix everywhere.
std::vector<float> OrthogonalMatrix(int64_t rows, int64_t columns, double gain, RandomStream random);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_POLICY_ORTHOGONAL_H_
