// The interface for computing the derivatives of a loss by a network's parameters, and the choice between its
// implementations: code of our own, or LibTorch.
#ifndef UNDERSTUDY_LEARNER_BACKPROPAGATION_BACKPROPAGATION_H_
#define UNDERSTUDY_LEARNER_BACKPROPAGATION_BACKPROPAGATION_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

namespace understudy {

namespace v1 {
class PolicyHeader;  // only declared: LibTorch's side knows no protobuf
}

// A network's output for M rows of observations.
struct NetworkOutput {
  std::span<const float> logits;  // [M × n]
  std::span<const float> values;  // [M], or empty
};

// Receives the derivatives of the loss by the output. The spans have the output's sizes.
struct NetworkGradients {
  std::span<float> logits;
  std::span<float> values;
};

// A minibatch is computed in blocks of at most this many rows, which begin at multiples of it. An implementation may
// also compute all rows in one block.
inline constexpr size_t kBlockRows = 64;

// Writes the derivatives of the minibatch's loss by the network's output, for the block of rows that begins at
// `first_row`. It is called once for each block, in any order, by several threads at a time.
using Loss = std::function<absl::Status(size_t first_row, const NetworkOutput&, const NetworkGradients&)>;

// Thread-compatible.
class Backpropagation {
 public:
  virtual ~Backpropagation() = default;

  // Overwrites `gradients` with the derivatives of the loss by the parameters. They are laid out like the parameters,
  // and are 0 for parameters that the loss does not depend on. `observations` is [M, observation size]. `with_values`
  // says whether the loss depends on the network's values.
  // Errors: INTERNAL "element 5 of logits is nan", before the loss is called for that block; the loss's own. The
  // contents of `gradients` are undefined then.
  virtual absl::Status Compute(std::span<const float> parameters, std::span<const float> observations, bool with_values,
                               const Loss& loss, std::span<float> gradients) = 0;

  // Calls work(0) … work(parts - 1), each once, on the threads that Compute uses, and returns when all have returned.
  // `work` must not throw.
  virtual void Run(size_t parts, absl::FunctionRef<void(size_t part)> work) {
    for (size_t part = 0; part < parts; ++part) work(part);
  }
};

// Makes our own backpropagation if there is one for the network and `device` (auto, cpu or cuda) allows it, and
// otherwise LibTorch's autograd. `threads` 0 means UsableCores(), at most four.
// Errors: as MakeNetwork and MakeAutogradBackpropagation.
absl::StatusOr<std::unique_ptr<Backpropagation>> MakeBackpropagation(const v1::PolicyHeader& header,
                                                                     const std::string& device, int threads);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_BACKPROPAGATION_BACKPROPAGATION_H_
