// The matrix products of a multilayer perceptron, and how many floating-point operations they are.
#ifndef UNDERSTUDY_TESTS_BENCHMARKS_MICRO_PRODUCTS_H_
#define UNDERSTUDY_TESTS_BENCHMARKS_MICRO_PRODUCTS_H_

#include <cstdint>
#include <vector>

namespace understudy::benchmarks {

// One layer: [M × inputs] · [inputs × outputs].
struct LayerShape {
  int64_t inputs = 0;
  int64_t outputs = 0;
};

// 4-64-64-2 and 4-64-64-1: CartPole's actor and critic.
inline const std::vector<LayerShape>& ActorShapes() {
  static const std::vector<LayerShape> kShapes = {{4, 64}, {64, 64}, {64, 2}};
  return kShapes;
}
inline const std::vector<LayerShape>& CriticShapes() {
  static const std::vector<LayerShape> kShapes = {{4, 64}, {64, 64}, {64, 1}};
  return kShapes;
}

// Operations of the products alone, a multiplication and an addition counted as two.
inline int64_t ForwardFlops(const std::vector<LayerShape>& layers, int64_t rows) {
  int64_t flops = 0;
  for (const LayerShape& layer : layers) flops += 2 * rows * layer.inputs * layer.outputs;
  return flops;
}
// Derivatives by the weights of every layer, and by the inputs of every layer but the first.
inline int64_t BackwardFlops(const std::vector<LayerShape>& layers, int64_t rows) {
  return 2 * ForwardFlops(layers, rows) - 2 * rows * layers[0].inputs * layers[0].outputs;
}

}  // namespace understudy::benchmarks

#endif  // UNDERSTUDY_TESTS_BENCHMARKS_MICRO_PRODUCTS_H_
