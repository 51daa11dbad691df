// The interface of a network: its shape and its inference. The parameters live elsewhere, in a Policy, and
// learner/backpropagation differentiates networks.
#ifndef UNDERSTUDY_COMMON_POLICY_NETWORK_H_
#define UNDERSTUDY_COMMON_POLICY_NETWORK_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "understudy/v1/policy.pb.h"

namespace understudy {

// One of a network's parameter tensors, row by row.
struct ParameterTensor {
  std::string name;  // for messages: "actor.0.weight"
  std::vector<int64_t> shape;

  int64_t size() const;
};

// Receives the results of inference on N observations. An empty part is not computed.
struct InferenceOutput {
  std::span<float> logits;  // [N, actions]
  std::span<float> values;  // [N]
};

// A network never changes, so it is thread-safe.
class Network {
 public:
  virtual ~Network() = default;

  // Returns the parameter tensors, in the order in which they lie in the flat buffer.
  virtual std::vector<ParameterTensor> Parameters() const = 0;

  // Writes fresh values into the flat buffer. They depend on the seed alone.
  virtual void Initialise(std::span<float> parameters, uint64_t seed) const = 0;

  // Computes the output for `observations` [N, observation size]. A row's result must have the same bits at every
  // position, among any other rows, in batches of any size, and on every processor. The arithmetic of dense.h has this
  // property.
  virtual void Infer(std::span<const float> parameters, std::span<const float> observations,
                     const InferenceOutput& output) const = 0;
};

// Makes the network that header.network() names, for the header's spaces. The table of networks is in network.cc.
// Errors: INVALID_ARGUMENT for an unknown type, which lists the table, or for spaces that the network cannot serve.
absl::StatusOr<std::unique_ptr<Network>> MakeNetwork(const v1::PolicyHeader& header);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_POLICY_NETWORK_H_
