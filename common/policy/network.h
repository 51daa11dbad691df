// A network's shape and its forward pass, apart from where its parameters live.
#ifndef UNDERSTUDY_COMMON_POLICY_NETWORK_H_
#define UNDERSTUDY_COMMON_POLICY_NETWORK_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "understudy/v1/policy.pb.h"

namespace understudy {

// Immutable, so thread-safe.
class Network {
 public:
  virtual ~Network() = default;

  // Shapes of the parameter tensors, in the order in which they lie in the flat buffer.
  virtual std::vector<std::vector<int64_t>> ParameterShapes() const = 0;

  // What they are called, in the same order: for messages.
  virtual std::vector<std::string> ParameterNames() const = 0;

  // Fresh values into the tensors (contiguous views of the flat buffer), from the seed alone.
  virtual void Initialise(const std::vector<at::Tensor>& parameters, uint64_t seed) const = 0;

  struct Output {
    at::Tensor logits;  // [N, n]
    at::Tensor values;  // [N]; undefined where not asked for
  };

  // Differentiable with respect to the parameters. `observations`: float32 [N, observation size].
  virtual Output Forward(const std::vector<at::Tensor>& parameters, const at::Tensor& observations,
                         bool with_values) const = 0;

  // The same without gradients, to within rounding. Where the result is to depend on each row alone (see
  // Policy::Infer), a network overrides it with arithmetic of its own (dense.h): this one does what Forward does, with
  // whatever the BLAS makes of it. `scratch` is the implementation's to resize and fill; it means nothing between
  // calls.
  virtual Output Infer(const std::vector<at::Tensor>& parameters, const at::Tensor& observations, bool with_values,
                       std::vector<float>& scratch) const;
};

// Makes the network that header.network() names, for the header's spaces: the table of networks is here.
// INVALID_ARGUMENT: unknown type (lists the table), or spaces that the network cannot serve.
absl::StatusOr<std::unique_ptr<Network>> MakeNetwork(const v1::PolicyHeader& header);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_POLICY_NETWORK_H_
