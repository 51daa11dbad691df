// The linear algebra library that LibTorch found at run time, and how many threads computing uses.
#ifndef UNDERSTUDY_LEARNER_BACKPROPAGATION_BLAS_H_
#define UNDERSTUDY_LEARNER_BACKPROPAGATION_BLAS_H_

#include <optional>
#include <string>

namespace understudy {

// "OpenBLAS 0.3.21 …", "MKL", or "reference BLAS" where it is neither.
std::string BlasName();

// What to tell users whose LibTorch runs on a slow BLAS, and what to do about it.
std::optional<std::string> BlasWarning();

// Threads of LibTorch's operations and of OpenBLAS's, process-wide. `threads` ≥ 1. To be called while neither computes.
void SetComputeThreads(int threads);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_BACKPROPAGATION_BLAS_H_
