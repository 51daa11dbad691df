// Backpropagation by LibTorch's autograd, for any network that is written in LibTorch's operations, on CPU or GPU.
#ifndef UNDERSTUDY_LEARNER_BACKPROPAGATION_AUTOGRAD_BACKPROPAGATION_H_
#define UNDERSTUDY_LEARNER_BACKPROPAGATION_AUTOGRAD_BACKPROPAGATION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "learner/backpropagation/backpropagation.h"

namespace understudy {

// What LibTorch's side is told of a network: no protobuf message, as that side is a library of its own.
struct AutogradNetwork {
  std::string type;  // as in NetworkSpec
  std::string activation;
  std::string trunk;
  int64_t hidden_layers = 0;
  int64_t observation_size = 0;
  std::vector<std::vector<int64_t>> parameter_shapes;
};

// Loads LibTorch, which takes some tenths of a second, the first time. `device`: auto (a GPU where LibTorch has one),
// cpu or cuda. `threads` ≥ 1: of LibTorch's operations, process-wide; they may change the order of a sum, and so may
// the BLAS that LibTorch found. FAILED_PRECONDITION, saying which: this program has no LibTorch with it, LibTorch has
// no CUDA, or the network has no forward pass in autograd_networks.cc.
absl::StatusOr<std::unique_ptr<Backpropagation>> MakeAutogradBackpropagation(const AutogradNetwork& network,
                                                                             const std::string& device, int threads);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_BACKPROPAGATION_AUTOGRAD_BACKPROPAGATION_H_
