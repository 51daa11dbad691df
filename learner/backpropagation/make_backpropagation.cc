#include "learner/backpropagation/make_backpropagation.h"

#include <algorithm>

#include "common/environment/spaces.h"
#include "common/policy/network.h"
#include "common/process/usable_cores.h"
#include "learner/backpropagation/mlp_backpropagation.h"

namespace understudy {
namespace {

// A minibatch has few blocks, and what it takes to share them grows with the threads.
constexpr int kMostThreads = 4;

int ThreadCount(int threads) {
  if (threads > 0) return threads;
  return std::min(UsableCores(), kMostThreads);
}

}  // namespace

absl::StatusOr<AutogradNetwork> DescribeForAutograd(const v1::PolicyHeader& header) {
  const auto network = MakeNetwork(header);
  if (!network.ok()) return network.status();
  AutogradNetwork description{.type = header.network().type(),
                              .activation = header.network().activation(),
                              .trunk = header.network().trunk(),
                              .hidden_layers = header.network().hidden_sizes_size(),
                              .observation_size = SpaceSize(header.observation_space()),
                              .parameter_shapes = {}};
  for (const ParameterTensor& tensor : (*network)->Parameters()) description.parameter_shapes.push_back(tensor.shape);
  return description;
}

absl::StatusOr<std::unique_ptr<Backpropagation>> MakeBackpropagation(const v1::PolicyHeader& header,
                                                                     const std::string& device, int threads) {
  if (header.network().type() == "mlp" && device != "cuda") {
    absl::StatusOr<MlpLayout> layout = MlpLayout::Create(header);
    if (!layout.ok()) return layout.status();
    return MakeMlpBackpropagation(*std::move(layout), ThreadCount(threads));
  }
  const absl::StatusOr<AutogradNetwork> network = DescribeForAutograd(header);
  if (!network.ok()) return network.status();
  return MakeAutogradBackpropagation(*network, device, ThreadCount(threads));
}

}  // namespace understudy
