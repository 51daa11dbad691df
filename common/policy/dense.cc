#include "common/policy/dense.h"

#include <cassert>

namespace understudy {
namespace {

const DenseKernels& Fastest() {
  static const DenseKernels& fastest = *SupportedDenseKernels().back();
  return fastest;
}

}  // namespace

void ApplyDense(const DenseLayer& layer, std::span<const float> inputs, std::span<float> outputs) {
  const size_t output_count = layer.bias.size();
  const size_t input_count = layer.weights.size() / output_count;
  const size_t rows = outputs.size() / output_count;
  assert(layer.weights.size() == input_count * output_count);
  assert(outputs.size() == rows * output_count);
  assert(inputs.size() == rows * input_count);
  Fastest().dense({.weights = layer.weights.data(),
                   .bias = layer.bias.data(),
                   .input_count = input_count,
                   .output_count = output_count,
                   .rows = rows,
                   .inputs = inputs.data(),
                   .outputs = outputs.data()});
}

void ApplyTanh(std::span<float> values) { Fastest().tanh(values.data(), values.size()); }

void ApplyRelu(std::span<float> values) { Fastest().relu(values.data(), values.size()); }

std::vector<const DenseKernels*> SupportedDenseKernels() {
  std::vector<const DenseKernels*> kernels = {&kBaselineKernels};
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2")) kernels.push_back(&kAvx2Kernels);
  if (__builtin_cpu_supports("avx512f")) kernels.push_back(&kAvx512Kernels);
#endif
  return kernels;
}

}  // namespace understudy
