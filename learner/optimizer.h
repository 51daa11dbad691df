// Adam on flat buffers, and gradient clipping.
#ifndef UNDERSTUDY_LEARNER_OPTIMIZER_H_
#define UNDERSTUDY_LEARNER_OPTIMIZER_H_

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

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

  // One update of `parameters` in place. Both spans have parameter_count elements. False: a parameter or a moment is
  // not finite now.
  bool Step(std::span<float> parameters, std::span<const float> gradients, double learning_rate);

  const State& state() const { return state_; }
  // Goes on from there. Both moments have parameter_count elements.
  void Restore(State state) { state_ = std::move(state); }

 private:
  AdamOptions options_;
  State state_;
};

// Scales `gradients` down to the Euclidean norm `max_norm` where it is longer; 0: never. Returns the norm before; where
// it is not finite, neither is a gradient, and all stay as they are.
double ClipGlobalNorm(std::span<float> gradients, double max_norm);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_OPTIMIZER_H_
