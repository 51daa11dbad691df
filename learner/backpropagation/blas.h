// Finds out which linear algebra library LibTorch uses at run time, and sets the number of computing threads.
#ifndef UNDERSTUDY_LEARNER_BACKPROPAGATION_BLAS_H_
#define UNDERSTUDY_LEARNER_BACKPROPAGATION_BLAS_H_

#include <optional>
#include <string>

namespace understudy {

// Returns "OpenBLAS 0.3.21 …", "MKL", or "reference BLAS" if it is neither.
std::string BlasName();

// Returns what to tell users whose LibTorch runs on a slow BLAS, and what they can do about it.
std::optional<std::string> BlasWarning();

// Sets the number of threads, at least 1, of LibTorch and OpenBLAS in the whole process. Call it while neither
// computes.
void SetComputeThreads(int threads);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_BACKPROPAGATION_BLAS_H_
