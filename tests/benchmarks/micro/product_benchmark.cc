// The limits of inference and of updates: their matrix products alone, by the BLAS, into memory that is there already.
#include <benchmark/benchmark.h>
#include <cblas.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "tests/benchmarks/micro/products.h"

namespace understudy::benchmarks {
namespace {

// Fills itself with small numbers.
std::vector<float> Matrix(int64_t rows, int64_t columns) {
  std::vector<float> matrix(static_cast<size_t>(rows * columns));
  for (size_t i = 0; i < matrix.size(); ++i) matrix[i] = static_cast<float>(i % 13) / 128 - 0.05f;
  return matrix;
}

// target [M × N] = a [M × K] · b [K × N], either of which may be given transposed. All row by row.
void Multiply(CBLAS_TRANSPOSE transpose_a, CBLAS_TRANSPOSE transpose_b, int64_t m, int64_t n, int64_t k,
              const std::vector<float>& a, const std::vector<float>& b, std::vector<float>& target) {
  const auto columns_a = static_cast<int>(transpose_a == CblasNoTrans ? k : m);
  const auto columns_b = static_cast<int>(transpose_b == CblasNoTrans ? n : k);
  cblas_sgemm(CblasRowMajor, transpose_a, transpose_b, static_cast<int>(m), static_cast<int>(n), static_cast<int>(k),
              1.0f, a.data(), columns_a, b.data(), columns_b, 0.0f, target.data(), static_cast<int>(n));
}

class Products {
 public:
  Products(const std::vector<LayerShape>& layers, int64_t rows) : layers_(layers), rows_(rows) {
    features_.push_back(Matrix(rows, layers[0].inputs));
    for (const LayerShape& layer : layers) {
      features_.push_back(Matrix(rows, layer.outputs));
      weights_.push_back(Matrix(layer.inputs, layer.outputs));
    }
    gradients_ = features_;
    weight_gradients_ = weights_;
  }

  void Forward() {
    for (size_t i = 0; i < layers_.size(); ++i) {
      Multiply(CblasNoTrans, CblasNoTrans, rows_, layers_[i].outputs, layers_[i].inputs, features_[i], weights_[i],
               features_[i + 1]);
    }
  }

  void Backward() {
    for (size_t i = layers_.size(); i-- > 0;) {
      const auto [inputs, outputs] = layers_[i];
      Multiply(CblasTrans, CblasNoTrans, inputs, outputs, rows_, features_[i], gradients_[i + 1], weight_gradients_[i]);
      if (i > 0)
        Multiply(CblasNoTrans, CblasTrans, rows_, inputs, outputs, gradients_[i + 1], weights_[i], gradients_[i]);
    }
  }

  int64_t forward_flops() const { return ForwardFlops(layers_, rows_); }
  int64_t flops() const { return forward_flops() + BackwardFlops(layers_, rows_); }

 private:
  const std::vector<LayerShape> layers_;
  const int64_t rows_;
  std::vector<std::vector<float>> features_;  // before the first layer, and after each
  std::vector<std::vector<float>> gradients_;
  std::vector<std::vector<float>> weights_;
  std::vector<std::vector<float>> weight_gradients_;
};

void Flops(benchmark::State& state, int64_t flops) {
  state.counters["flops"] =
      benchmark::Counter(static_cast<double>(flops), benchmark::Counter::kIsIterationInvariantRate);
}

void Inference(benchmark::State& state) {
  Products actor(ActorShapes(), state.range(0));
  for (auto _ : state) actor.Forward();
  Flops(state, actor.forward_flops());
}
BENCHMARK(Inference)->Name("inference_products")->Arg(64)->Arg(256)->Arg(1024);

void Ppo(benchmark::State& state) {
  Products actor(ActorShapes(), state.range(0));
  Products critic(CriticShapes(), state.range(0));
  for (auto _ : state) {
    for (Products* products : {&actor, &critic}) {
      products->Forward();
      products->Backward();
    }
  }
  Flops(state, actor.flops() + critic.flops());
}
BENCHMARK(Ppo)->Name("ppo_products")->Arg(64)->Arg(256)->Arg(1024)->Arg(2048);

void Bc(benchmark::State& state) {
  Products actor(ActorShapes(), state.range(0));
  for (auto _ : state) {
    actor.Forward();
    actor.Backward();
  }
  Flops(state, actor.flops());
}
BENCHMARK(Bc)->Name("bc_products")->Arg(64)->Arg(256)->Arg(1024);

// [M × 64] · [64 × 64]: most of the operations are in products of this shape.
void Square(benchmark::State& state) {
  Products layer({{64, 64}}, state.range(0));
  for (auto _ : state) layer.Forward();
  Flops(state, layer.forward_flops());
}
BENCHMARK(Square)->Name("square_product")->Arg(64)->Arg(256)->Arg(1024)->Arg(2048);

}  // namespace
}  // namespace understudy::benchmarks
