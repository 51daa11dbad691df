// A policy's network with its parameters: observations → logits and values. The only public header of this folder that
// needs LibTorch.
#ifndef UNDERSTUDY_COMMON_POLICY_POLICY_H_
#define UNDERSTUDY_COMMON_POLICY_POLICY_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/policy/network.h"
#include "common/snapshot/policy_snapshot.h"

namespace understudy {

// Parameters live in one contiguous float32 tensor of which every layer's weight is a view, and so do the gradients:
// a snapshot is a memcpy, and optimisers see two flat tensors. Move-only; thread-compatible: concurrent Infer calls
// need one Policy each.
class Policy {
 public:
  // Fresh parameters, orthogonal initialisation from `seed`. `header` gives network (defaults filled in), environment
  // and spaces. INVALID_ARGUMENT: unknown network type (lists the table) or spaces that the network cannot serve.
  static absl::StatusOr<Policy> Create(const v1::PolicyHeader& header, uint64_t seed);

  // INVALID_ARGUMENT as above, or where the parameter count is not the network's.
  static absl::StatusOr<Policy> FromSnapshot(const PolicySnapshot& snapshot);

  using Output = Network::Output;

  // Differentiable. `observations`: float32 [N, observation size].
  Output Forward(const at::Tensor& observations, bool with_values) const;

  // The same without gradients, equal to within rounding. A row's result has the same bits at every position, among any
  // other rows, in batches of any size, on every processor, for every network of the table: this is what rollouts owe
  // it to that they do not depend on how work was divided.
  Output Infer(const at::Tensor& observations, bool with_values) const;

  // The flat parameters [P], and the flat gradients [P] that backward() accumulates into. Both share their storage with
  // the layers: write through them in place, never replace them.
  const at::Tensor& parameters() const { return parameters_; }
  const at::Tensor& gradients() const { return gradients_; }

  // The current parameters as a snapshot under a name and version.
  std::shared_ptr<const PolicySnapshot> Snapshot(std::string name, int64_t version) const;

  // Which layer's tensor the flat parameters' element `index` belongs to, as the network calls it: "actor.0.weight".
  std::string TensorAt(int64_t index) const;

  const v1::PolicyHeader& header() const { return header_; }

 private:
  Policy(v1::PolicyHeader header, std::unique_ptr<Network> network);

  v1::PolicyHeader header_;
  std::unique_ptr<Network> network_;
  at::Tensor parameters_;
  at::Tensor gradients_;
  std::vector<at::Tensor> layers_;      // autograd leaves: views of parameters_ whose gradients are views of gradients_
  mutable std::vector<float> scratch_;  // inference's
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_POLICY_POLICY_H_
