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

// Makes a backpropagation by autograd. The first call loads LibTorch, which takes some tenths of a second. `device` is
// auto (a GPU if LibTorch has one), cpu or cuda. `threads`, at least 1, is the number of LibTorch's threads in the
// whole process. That number, and the BLAS that LibTorch found, may change the order of a sum. Errors:
// FAILED_PRECONDITION says whether this program has no LibTorch with it, LibTorch has no CUDA, or the network has no
// forward pass in autograd_networks.cc.
absl::StatusOr<std::unique_ptr<Backpropagation>> MakeAutogradBackpropagation(const AutogradNetwork& network,
                                                                             const std::string& device, int threads);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_BACKPROPAGATION_AUTOGRAD_BACKPROPAGATION_H_
