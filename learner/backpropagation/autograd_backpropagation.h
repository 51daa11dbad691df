// Backpropagation by LibTorch's autograd, for any network that is written in LibTorch's operations, on CPU or GPU. Only
// libunderstudy_autograd.so needs LibTorch (autograd_library.cc); this file describes networks for it, and loads it.
#ifndef UNDERSTUDY_LEARNER_BACKPROPAGATION_AUTOGRAD_BACKPROPAGATION_H_
#define UNDERSTUDY_LEARNER_BACKPROPAGATION_AUTOGRAD_BACKPROPAGATION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "learner/backpropagation/backpropagation.h"

namespace understudy {

// The description of a network for LibTorch's side. It is no protobuf message, because that side is a library of its
// own.
struct AutogradNetwork {
  std::string type;  // as in NetworkSpec
  std::string activation;
  std::string trunk;
  int64_t hidden_layers = 0;
  int64_t observation_size = 0;
  std::vector<std::vector<int64_t>> parameter_shapes;
};

// Describes the policy's network for autograd.
// Errors: INVALID_ARGUMENT as MakeNetwork.
absl::StatusOr<AutogradNetwork> DescribeForAutograd(const v1::PolicyHeader& header);

// Makes a backpropagation by autograd. The first call loads LibTorch, which takes some tenths of a second. `device` is
// auto (a GPU if LibTorch has one), cpu or cuda. `threads`, at least 1, is the number of LibTorch's threads in the
// whole process. That number, and the BLAS that LibTorch found, may change the order of a sum.
// Errors: FAILED_PRECONDITION says whether this program has no LibTorch with it, LibTorch has no CUDA, or the network
// has no forward pass in autograd_library.cc.
absl::StatusOr<std::unique_ptr<Backpropagation>> MakeAutogradBackpropagation(const AutogradNetwork& network,
                                                                             const std::string& device, int threads);

// The library's entry point. It does the work of MakeAutogradBackpropagation, where the arguments are explained.
// Returns null and sets `error` if that fails. Sets `warning` to what users should be told in any case.
using MakeAutogradFunction = Backpropagation*(const AutogradNetwork& network, const std::string& device, int threads,
                                              std::string& error, std::string& warning);

inline constexpr char kMakeAutogradSymbol[] = "understudy_make_autograd_v1";

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_BACKPROPAGATION_AUTOGRAD_BACKPROPAGATION_H_
