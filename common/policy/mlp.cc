#include "common/policy/mlp.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/environment/spaces.h"
#include "common/policy/dense.h"
#include "common/policy/orthogonal.h"

namespace understudy {
namespace {

constexpr double kHiddenGain = 1.4142135623730951;
constexpr double kPolicyHeadGain = 0.01;
constexpr double kValueHeadGain = 1;
// Inference goes through all layers with so many rows before the next: their features stay in the processor's caches,
// and scratch memory does not grow with the batch.
constexpr int64_t kRowsAtOnce = 64;

struct Layer {
  int64_t inputs = 0;
  int64_t outputs = 0;
  double gain = 0;
  std::string name;
};

class Mlp final : public Network {
 public:
  Mlp(int64_t observation_size, int64_t actions, const v1::NetworkSpec& spec)
      : relu_(spec.activation() == "relu"),
        shared_(spec.trunk() == "shared"),
        hidden_(spec.hidden_sizes_size()),
        widest_(*std::max_element(spec.hidden_sizes().begin(), spec.hidden_sizes().end())) {
    const int64_t width = AddHiddenLayers(observation_size, spec, shared_ ? "trunk." : "actor.");
    const size_t before_head = shared_ ? 0 : hidden_;
    layers_.push_back({width, actions, kPolicyHeadGain, absl::StrCat("actor.", before_head)});
    if (!shared_) AddHiddenLayers(observation_size, spec, "critic.");
    layers_.push_back({width, 1, kValueHeadGain, absl::StrCat("critic.", before_head)});
  }

  std::vector<std::vector<int64_t>> ParameterShapes() const override {
    std::vector<std::vector<int64_t>> shapes;
    for (const Layer& layer : layers_) {
      shapes.push_back({layer.inputs, layer.outputs});
      shapes.push_back({layer.outputs});
    }
    return shapes;
  }

  std::vector<std::string> ParameterNames() const override {
    std::vector<std::string> names;
    for (const Layer& layer : layers_) {
      names.push_back(layer.name + ".weight");
      names.push_back(layer.name + ".bias");
    }
    return names;
  }

  void Initialise(const std::vector<at::Tensor>& parameters, uint64_t seed) const override {
    for (size_t i = 0; i < layers_.size(); ++i) {
      const Layer& layer = layers_[i];
      const RandomStream random(seed, RandomPurpose::kInitialisation, 2 * i, 0);
      const std::vector<float> weight = OrthogonalMatrix(layer.inputs, layer.outputs, layer.gain, random);
      std::memcpy(parameters[2 * i].data_ptr<float>(), weight.data(), weight.size() * sizeof(float));
      std::memset(parameters[2 * i + 1].data_ptr<float>(), 0, layer.outputs * sizeof(float));
    }
  }

  Output Forward(const std::vector<at::Tensor>& parameters, const at::Tensor& observations,
                 bool with_values) const override {
    const at::Tensor actor = Hidden(parameters, 0, observations);
    Output output{.logits = Linear(parameters, hidden_, actor), .values = {}};
    if (with_values) {
      const at::Tensor critic = shared_ ? actor : Hidden(parameters, hidden_ + 1, observations);
      output.values = Linear(parameters, layers_.size() - 1, critic).squeeze(1);
    }
    return output;
  }

  Output Infer(const std::vector<at::Tensor>& parameters, const at::Tensor& observations, bool with_values,
               std::vector<float>& scratch) const override {
    const int64_t size = layers_[0].inputs;
    TORCH_CHECK(observations.dim() == 2 && observations.size(1) == size && observations.scalar_type() == at::kFloat,
                "mlp: found ", observations.scalar_type(), " observations ", observations.sizes(),
                ", expected Float [N, ", size, "]");
    const at::Tensor contiguous = observations.contiguous();
    const int64_t rows = contiguous.size(0);
    const int64_t actions = layers_[hidden_].outputs;
    const Output output{.logits = at::empty({rows, actions}), .values = with_values ? at::empty({rows}) : at::Tensor()};
    for (int64_t row = 0; row < rows; row += kRowsAtOnce) {
      const int64_t count = std::min(kRowsAtOnce, rows - row);
      const std::span<const float> inputs = Part(contiguous, row * size, count * size);
      std::span<const float> features = InferHidden(parameters, 0, inputs, count, scratch);
      ApplyDense(LayerOf(parameters, hidden_), features, Part(output.logits, row * actions, count * actions));
      if (!with_values) continue;
      if (!shared_) features = InferHidden(parameters, hidden_ + 1, inputs, count, scratch);
      ApplyDense(LayerOf(parameters, layers_.size() - 1), features, Part(output.values, row, count));
    }
    return output;
  }

 private:
  // Returns the last layer's width.
  int64_t AddHiddenLayers(int64_t inputs, const v1::NetworkSpec& spec, const char* part) {
    for (int i = 0; i < spec.hidden_sizes_size(); ++i) {
      layers_.push_back({inputs, spec.hidden_sizes(i), kHiddenGain, absl::StrCat(part, i)});
      inputs = spec.hidden_sizes(i);
    }
    return inputs;
  }

  static at::Tensor Linear(const std::vector<at::Tensor>& parameters, size_t layer, const at::Tensor& input) {
    return at::addmm(parameters[2 * layer + 1], input, parameters[2 * layer]);
  }

  at::Tensor Hidden(const std::vector<at::Tensor>& parameters, size_t first_layer, at::Tensor features) const {
    for (size_t i = 0; i < hidden_; ++i) {
      features = Linear(parameters, first_layer + i, features);
      features = relu_ ? at::relu(features) : at::tanh(features);
    }
    return features;
  }

  static std::span<float> Part(const at::Tensor& tensor, int64_t offset, int64_t count) {
    return {tensor.data_ptr<float>() + offset, static_cast<size_t>(count)};
  }

  static DenseLayer LayerOf(const std::vector<at::Tensor>& parameters, size_t layer) {
    const at::Tensor& weight = parameters[2 * layer];
    const at::Tensor& bias = parameters[2 * layer + 1];
    return {.weights = Part(weight, 0, weight.numel()), .bias = Part(bias, 0, bias.numel())};
  }

  // The last hidden layer's features of `rows` rows, in one half of `scratch`: layers read one and write the other.
  std::span<const float> InferHidden(const std::vector<at::Tensor>& parameters, size_t first_layer,
                                     std::span<const float> features, int64_t rows, std::vector<float>& scratch) const {
    scratch.resize(static_cast<size_t>(2 * kRowsAtOnce * widest_));
    std::span<float> target = std::span(scratch).first(scratch.size() / 2);
    std::span<float> other = std::span(scratch).last(scratch.size() / 2);
    for (size_t layer = first_layer; layer < first_layer + hidden_; ++layer) {
      const std::span<float> outputs = target.first(static_cast<size_t>(rows * layers_[layer].outputs));
      ApplyDense(LayerOf(parameters, layer), features, outputs);
      relu_ ? ApplyRelu(outputs) : ApplyTanh(outputs);
      features = outputs;
      std::swap(target, other);
    }
    return features;
  }

  bool relu_;
  bool shared_;
  size_t hidden_;   // layers before a head
  int64_t widest_;  // hidden layer's outputs
  std::vector<Layer> layers_;
};

absl::Status ValidateSpec(const v1::NetworkSpec& spec) {
  if (spec.hidden_sizes().empty()) return absl::InvalidArgumentError("network.hidden_sizes: found none, expected some");
  for (const int32_t size : spec.hidden_sizes()) {
    if (size < 1)
      return absl::InvalidArgumentError(absl::StrCat("network.hidden_sizes: found ", size, ", expected ≥ 1"));
  }
  if (spec.activation() != "tanh" && spec.activation() != "relu") {
    return absl::InvalidArgumentError(
        absl::StrCat("network.activation: found \"", spec.activation(), "\", expected tanh or relu"));
  }
  if (spec.trunk() != "separate" && spec.trunk() != "shared") {
    return absl::InvalidArgumentError(
        absl::StrCat("network.trunk: found \"", spec.trunk(), "\", expected separate or shared"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Network>> MakeMlp(const v1::PolicyHeader& header) {
  if (absl::Status status = ValidateSpec(header.network()); !status.ok()) return status;
  if (!header.action_space().has_discrete()) {
    return absl::InvalidArgumentError(absl::StrCat("network mlp cannot act in ", header.environment(),
                                                   ": found action space ", SpaceText(header.action_space()),
                                                   ", expected a discrete one"));
  }
  if (!header.observation_space().has_box()) {
    return absl::InvalidArgumentError(absl::StrCat("network mlp cannot observe ", header.environment(),
                                                   ": found observation space ", SpaceText(header.observation_space()),
                                                   ", expected a box"));
  }
  return std::make_unique<Mlp>(SpaceSize(header.observation_space()), header.action_space().discrete().n(),
                               header.network());
}

}  // namespace understudy
