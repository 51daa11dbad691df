// The door of libunderstudy_autograd.so, which alone needs LibTorch and is loaded when it is needed.
#ifndef UNDERSTUDY_LEARNER_BACKPROPAGATION_AUTOGRAD_LIBRARY_H_
#define UNDERSTUDY_LEARNER_BACKPROPAGATION_AUTOGRAD_LIBRARY_H_

#include <string>

#include "learner/backpropagation/autograd_backpropagation.h"

namespace understudy {

// As MakeAutogradBackpropagation, in which it is explained; null with an `error` where it cannot be made. `warning`:
// what users should be told all the same.
using MakeAutogradFunction = Backpropagation*(const AutogradNetwork& network, const std::string& device, int threads,
                                              std::string& error, std::string& warning);

inline constexpr char kMakeAutogradSymbol[] = "understudy_make_autograd_v1";

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_BACKPROPAGATION_AUTOGRAD_LIBRARY_H_
