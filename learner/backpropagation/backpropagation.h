// Derivatives of a loss by a network's parameters.
#ifndef UNDERSTUDY_LEARNER_BACKPROPAGATION_BACKPROPAGATION_H_
#define UNDERSTUDY_LEARNER_BACKPROPAGATION_BACKPROPAGATION_H_

#include <cstddef>
#include <functional>
#include <span>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace understudy {

// What the network made of M rows.
struct NetworkOutput {
  std::span<const float> logits;  // [M × n]
  std::span<const float> values;  // [M], or empty
};

// Where the derivatives of the loss by the output go: of the same sizes.
struct NetworkGradients {
  std::span<float> logits;
  std::span<float> values;
};

// A minibatch is worked on in blocks: all begin at multiples of this and none is longer, or one block has all rows.
inline constexpr size_t kBlockRows = 64;

// Writes the derivatives of the minibatch's loss by the network's output for the block of rows that begins at
// `first_row`. Called once for each block, in any order, by several threads at a time.
using Loss = std::function<absl::Status(size_t first_row, const NetworkOutput&, const NetworkGradients&)>;

// Thread-compatible.
class Backpropagation {
 public:
  virtual ~Backpropagation() = default;

  // `observations`: [M, observation size]. Overwrites `gradients`, which lie as the parameters do, with the derivatives
  // of the loss; those by parameters that the loss does not depend on are 0. `with_values`: whether the loss is of
  // values too. Errors: INTERNAL "element 5 of logits is nan", before the loss is asked for that block; the loss's own.
  // `gradients` are undefined then.
  virtual absl::Status Compute(std::span<const float> parameters, std::span<const float> observations, bool with_values,
                               const Loss& loss, std::span<float> gradients) = 0;

  // Calls work(0) … work(parts - 1), each once, on whatever threads Compute has for it, and returns when all have
  // returned. `work` must not throw.
  virtual void Run(size_t parts, absl::FunctionRef<void(size_t part)> work) {
    for (size_t part = 0; part < parts; ++part) work(part);
  }
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_BACKPROPAGATION_BACKPROPAGATION_H_
