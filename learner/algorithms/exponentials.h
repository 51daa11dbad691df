// Exponentials and logarithms of many numbers at once.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_EXPONENTIALS_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_EXPONENTIALS_H_

#include <span>
#include <vector>

#include "learner/algorithms/exponential_kernels.h"

namespace understudy {

// In place, within 5e-16 of the result. The same bits on every processor, which the C library's do not promise, and in
// a fraction of their time. Thread-safe.

// Of numbers that are not within [-708, 709], the exponential of the nearer bound. NaNs stay NaNs.
void Exponentials(std::span<double> numbers);

// Of positive normal numbers.
void Logarithms(std::span<double> numbers);

// The versions that this processor can run, the fastest (which the functions above use) last. For tests.
std::vector<const ExponentialKernels*> SupportedExponentialKernels();

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_EXPONENTIALS_H_
