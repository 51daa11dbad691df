// Adam on flat buffers, and gradient clipping. The same bits on every processor.
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
  // Decoupled from the gradient (AdamW: Loshchilov & Hutter 2019, algorithm 2); 0: Adam.
  double weight_decay = 0;
};

// Adam (Kingma & Ba 2015, algorithm 1). Thread-compatible.
class Adam {
 public:
  // What a checkpoint holds.
  struct State {
    int64_t steps = 0;
    std::vector<float> first_moments;
    std::vector<float> second_moments;
  };

  Adam(AdamOptions options, int64_t parameter_count);

  // One update of `parameters` in place, by `gradient_scale` × `gradients`. Both spans have parameter_count elements.
  // False: a parameter or a moment is not finite now.
  bool Step(std::span<float> parameters, std::span<const float> gradients, double learning_rate,
            double gradient_scale = 1);

  const State& state() const { return state_; }
  // Goes on from there. Both moments have parameter_count elements.
  void Restore(State state) { state_ = std::move(state); }

 private:
  AdamOptions options_;
  State state_;
};

// Their Euclidean norm; where it is not finite, neither is a gradient. Thread-safe, as are the others.
double GlobalNorm(std::span<const float> gradients);

// What gradients of the given norm are to be multiplied by so that they are no longer than `max_norm`; 0: never.
double ClippingScale(double norm, double max_norm);

// The versions that this processor can run, the fastest (which is used) last; all give the same bits. For tests.
std::vector<const OptimizerKernels*> SupportedOptimizerKernels();

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_OPTIMIZER_H_
