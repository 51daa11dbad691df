// The entry point of libunderstudy_autograd.so. Only that library needs LibTorch, and it is loaded on demand.
#ifndef UNDERSTUDY_LEARNER_BACKPROPAGATION_AUTOGRAD_LIBRARY_H_
#define UNDERSTUDY_LEARNER_BACKPROPAGATION_AUTOGRAD_LIBRARY_H_

#include <string>

#include "learner/backpropagation/autograd_backpropagation.h"

namespace understudy {

// Does the work of MakeAutogradBackpropagation, where the arguments are explained. Returns null and sets `error` if
// that fails. Sets `warning` to what users should be told in any case.
using MakeAutogradFunction = Backpropagation*(const AutogradNetwork& network, const std::string& device, int threads,
                                              std::string& error, std::string& warning);

inline constexpr char kMakeAutogradSymbol[] = "understudy_make_autograd_v1";

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_BACKPROPAGATION_AUTOGRAD_LIBRARY_H_
