// Adam on flat buffers, and gradient clipping. Results have the same bits on every processor.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_OPTIMIZER_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_OPTIMIZER_H_

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "learner/algorithms/optimizer_kernels.h"

namespace understudy {

struct AdamOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  // Weight decay, decoupled from the gradient (AdamW: Loshchilov & Hutter 2019, algorithm 2). 0: none.
  double weight_decay = 0;
};

// The optimiser Adam (Kingma & Ba 2015, algorithm 1). Thread-compatible.
class Adam {
 public:
  // What a checkpoint keeps of the optimiser.
  struct State {
    int64_t steps = 0;
    std::vector<float> first_moments;
    std::vector<float> second_moments;
  };

  Adam(AdamOptions options, int64_t parameter_count);

  // Updates `parameters` in place by `gradient_scale` × `gradients`. Both spans have parameter_count elements. Returns
  // false if a parameter or a moment is not finite now.
  bool Step(std::span<float> parameters, std::span<const float> gradients, double learning_rate,
            double gradient_scale = 1);

  const State& state() const { return state_; }
  // Continues from a saved state, whose moments have parameter_count elements.
  void Restore(State state) { state_ = std::move(state); }

 private:
  AdamOptions options_;
  State state_;
};

// The functions below are thread-safe.

// Returns the Euclidean norm of the gradients. It is not finite if one of them is not.
double GlobalNorm(std::span<const float> gradients);

// Returns the factor that shortens gradients of the given norm to `max_norm`, or 1 if they are short enough. A
// `max_norm` of 0 means no limit.
double ClippingScale(double norm, double max_norm);

// Returns the kernels that this processor can run, the fastest last. That one is used; all give the same bits. For
// tests.
std::vector<const OptimizerKernels*> SupportedOptimizerKernels();

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_OPTIMIZER_H_
