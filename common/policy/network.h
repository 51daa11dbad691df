// A network's shape and its inference, apart from where its parameters live. How it is differentiated is the learner's
// business (learner/backpropagation).
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

// Where inference on N observations writes to. A part that is empty is not computed.
struct InferenceOutput {
  std::span<float> logits;  // [N, actions]
  std::span<float> values;  // [N]
};

// Immutable, so thread-safe.
class Network {
 public:
  virtual ~Network() = default;

  // The parameter tensors, in the order in which they lie in the flat buffer.
  virtual std::vector<ParameterTensor> Parameters() const = 0;

  // Fresh values into the flat buffer, from the seed alone.
  virtual void Initialise(std::span<float> parameters, uint64_t seed) const = 0;

  // `observations`: [N, observation size]. A row's result must have the same bits at every position, among any other
  // rows, in batches of any size, on every processor: dense.h's arithmetic has this property.
  virtual void Infer(std::span<const float> parameters, std::span<const float> observations,
                     const InferenceOutput& output) const = 0;
};

// Makes the network that header.network() names, for the header's spaces: the table of networks is here.
// INVALID_ARGUMENT: unknown type (lists the table), or spaces that the network cannot serve.
absl::StatusOr<std::unique_ptr<Network>> MakeNetwork(const v1::PolicyHeader& header);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_POLICY_NETWORK_H_
