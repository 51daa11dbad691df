// Computes exponentials and logarithms of many numbers at once.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_EXPONENTIALS_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_EXPONENTIALS_H_

#include <span>
#include <vector>

#include "learner/algorithms/exponential_kernels.h"

namespace understudy {

// Both functions work in place, are accurate to a relative 5e-16, and are thread-safe. They give the same bits on every
// processor, which the C library does not promise, and take a fraction of its time.

// Numbers outside [-708, 709] count as the nearer bound. A NaN stays one.
void Exponentials(std::span<double> numbers);

// Every number must be positive and normal.
void Logarithms(std::span<double> numbers);

// Returns the kernels that this processor can run, the fastest last. The functions above use that one. For tests.
std::vector<const ExponentialKernels*> SupportedExponentialKernels();

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_EXPONENTIALS_H_
