#include "learner/backpropagation/backpropagation.h"

#include <algorithm>
#include <utility>

#include "common/process/usable_cores.h"
#include "learner/backpropagation/autograd_backpropagation.h"
#include "learner/backpropagation/mlp_backpropagation.h"
#include "understudy/v1/policy.pb.h"

namespace understudy {
namespace {

// A minibatch has few blocks, and what it takes to share them grows with the threads.
constexpr int kMostThreads = 4;

int ThreadCount(int threads) {
  if (threads > 0) return threads;
  return std::min(UsableCores(), kMostThreads);
}

}  // namespace

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
