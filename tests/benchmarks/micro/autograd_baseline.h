// CartPole's actor and critic (64×64 tanh, separate) and their updates, as users of LibTorch write them: modules,
// autograd, and the library's own clipping and Adam.
#ifndef UNDERSTUDY_TESTS_BENCHMARKS_MICRO_AUTOGRAD_BASELINE_H_
#define UNDERSTUDY_TESTS_BENCHMARKS_MICRO_AUTOGRAD_BASELINE_H_

#include <memory>

#include "tests/benchmarks/micro/minibatch.h"

namespace understudy::benchmarks {

// Thread-compatible. Learning rates and coefficients are PPO's and BC's defaults.
class AutogradBaseline {
 public:
  explicit AutogradBaseline(const Minibatch& minibatch);
  ~AutogradBaseline();

  // The actor's logits of all rows, without gradients.
  void Infer();
  // Clipped surrogate and squared value error; global norm clipped; Adam.
  void UpdatePpo();
  // Cross-entropy; AdamW.
  void UpdateBc();

 private:
  struct Impl;  // LibTorch's headers cost half a minute a file
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy::benchmarks

#endif  // UNDERSTUDY_TESTS_BENCHMARKS_MICRO_AUTOGRAD_BASELINE_H_
