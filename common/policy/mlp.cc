#include "common/policy/mlp.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/environment/spaces.h"
#include "common/random/random_stream.h"

namespace understudy {
namespace {

constexpr double kHiddenGain = 1.4142135623730951;
constexpr double kPolicyHeadGain = 0.01;
constexpr double kValueHeadGain = 1;
// Inference goes through all layers with so many rows before the next: their features stay in the processor's caches,
// and scratch memory does not grow with the batch.
constexpr size_t kRowsAtOnce = 64;

// Two layers' features: layers read one and write the other. Each thread keeps its own from call to call.
std::span<float> Scratch(size_t size) {
  thread_local AlignedFloats scratch;
  if (scratch.size() < size) scratch.resize(size);
  return std::span(scratch).first(size);
}

double Dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// Modified Gram–Schmidt: makes `count` vectors of `length` numbers, one after the other, orthonormal. They are random
// normal, so well away from dependent; double precision leaves errors far below float's.
void Orthonormalise(std::vector<double>& vectors, int64_t count, int64_t length) {
  const auto vector = [&](int64_t i) { return std::span<double>(vectors).subspan(i * length, length); };
  for (int64_t i = 0; i < count; ++i) {
    const std::span<double> current = vector(i);
    const double scale = 1 / std::sqrt(Dot(current, current));
    for (double& x : current) x *= scale;
    for (int64_t j = i + 1; j < count; ++j) {
      const std::span<double> later = vector(j);
      const double projection = Dot(current, later);
      for (int64_t k = 0; k < length; ++k) later[k] -= projection * current[k];
    }
  }
}

// Returns a rows × columns matrix, row by row, of uniformly distributed orthogonal vectors of length `gain`. The
// vectors are the rows if there are fewer rows than columns, and otherwise the columns. It is computed without LAPACK,
// so that the same random numbers give the same matrix everywhere.
std::vector<float> OrthogonalMatrix(int64_t rows, int64_t columns, double gain, RandomStream random) {
  const int64_t count = std::min(rows, columns);
  const int64_t length = std::max(rows, columns);
  std::vector<double> vectors(count * length);
  for (double& x : vectors) x = random.Normal();
  Orthonormalise(vectors, count, length);

  std::vector<float> matrix(rows * columns);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      const int64_t source = rows < columns ? row * length + column : column * length + row;
      matrix[row * columns + column] = static_cast<float>(gain * vectors[source]);
    }
  }
  return matrix;
}

class Mlp final : public Network {
 public:
  explicit Mlp(MlpLayout layout) : layout_(std::move(layout)) {}

  std::vector<ParameterTensor> Parameters() const override {
    std::vector<ParameterTensor> tensors;
    for (const MlpLayer& layer : layout_.layers) {
      const auto inputs = static_cast<int64_t>(layer.inputs);
      const auto outputs = static_cast<int64_t>(layer.outputs);
      tensors.push_back({.name = layer.name + ".weight", .shape = {inputs, outputs}});
      tensors.push_back({.name = layer.name + ".bias", .shape = {outputs}});
    }
    return tensors;
  }

  void Initialise(std::span<float> parameters, uint64_t seed) const override {
    std::fill(parameters.begin(), parameters.end(), 0.0f);
    for (size_t i = 0; i < layout_.layers.size(); ++i) {
      const MlpLayer& layer = layout_.layers[i];
      const RandomStream random(seed, RandomPurpose::kInitialisation, 2 * i, 0);
      const std::vector<float> weight =
          OrthogonalMatrix(static_cast<int64_t>(layer.inputs), static_cast<int64_t>(layer.outputs), Gain(i), random);
      std::copy(weight.begin(), weight.end(), parameters.begin() + static_cast<ptrdiff_t>(layer.offset));
    }
  }

  void Infer(std::span<const float> parameters, std::span<const float> observations,
             const InferenceOutput& output) const override {
    const size_t size = layout_.observation_size();
    const size_t actions = layout_.actions();
    const size_t rows = observations.size() / size;
    assert(observations.size() == rows * size);
    assert(output.logits.empty() || output.logits.size() == rows * actions);
    assert(output.values.empty() || output.values.size() == rows);
    for (size_t row = 0; row < rows; row += kRowsAtOnce) {
      const size_t count = std::min(kRowsAtOnce, rows - row);
      const std::span<const float> inputs = observations.subspan(row * size, count * size);
      std::span<const float> features;
      if (!output.logits.empty()) {
        features = Hidden(parameters, layout_.actor_trunk(), inputs, count);
        ApplyDense(Layer(layout_.actor_head()).Of(parameters), features,
                   output.logits.subspan(row * actions, count * actions));
      }
      if (output.values.empty()) continue;
      if (!layout_.shared || features.empty()) features = Hidden(parameters, layout_.critic_trunk(), inputs, count);
      ApplyDense(Layer(layout_.critic_head()).Of(parameters), features, output.values.subspan(row, count));
    }
  }

 private:
  const MlpLayer& Layer(size_t index) const { return layout_.layers[index]; }

  double Gain(size_t index) const {
    if (index == layout_.actor_head()) return kPolicyHeadGain;
    return index == layout_.critic_head() ? kValueHeadGain : kHiddenGain;
  }

  // The last hidden layer's features of `rows` rows, until the next call.
  std::span<const float> Hidden(std::span<const float> parameters, size_t first_layer, std::span<const float> features,
                                size_t rows) const {
    const std::span<float> scratch = Scratch(2 * kRowsAtOnce * layout_.widest);
    std::span<float> target = scratch.first(scratch.size() / 2);
    std::span<float> other = scratch.last(scratch.size() / 2);
    for (size_t index = first_layer; index < first_layer + layout_.hidden; ++index) {
      const std::span<float> outputs = target.first(rows * Layer(index).outputs);
      ApplyDense(Layer(index).Of(parameters), features, outputs);
      layout_.relu ? ApplyRelu(outputs) : ApplyTanh(outputs);
      features = outputs;
      std::swap(target, other);
    }
    return features;
  }

  MlpLayout layout_;
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

absl::Status ValidateHeader(const v1::PolicyHeader& header) {
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
  return absl::OkStatus();
}

// Lays one layer after the other into the flat buffer.
class LayoutBuilder {
 public:
  explicit LayoutBuilder(const v1::NetworkSpec& spec) : spec_(spec) {
    layout_.relu = spec.activation() == "relu";
    layout_.shared = spec.trunk() == "shared";
    layout_.hidden = static_cast<size_t>(spec.hidden_sizes_size());
    layout_.widest = static_cast<size_t>(*std::max_element(spec.hidden_sizes().begin(), spec.hidden_sizes().end()));
  }

  void AddTrunk(size_t observation_size, const char* part) {
    width_ = observation_size;
    for (int i = 0; i < spec_.hidden_sizes_size(); ++i) {
      Add(absl::StrCat(part, ".", i), static_cast<size_t>(spec_.hidden_sizes(i)));
      width_ = static_cast<size_t>(spec_.hidden_sizes(i));
    }
  }
  void AddHead(const char* part, size_t outputs) {
    Add(absl::StrCat(part, ".", layout_.shared ? 0 : layout_.hidden), outputs);
  }

  MlpLayout Take() { return std::move(layout_); }

 private:
  void Add(std::string name, size_t outputs) {
    layout_.layers.push_back({.name = std::move(name), .inputs = width_, .outputs = outputs, .offset = offset_});
    offset_ += width_ * outputs + outputs;
  }

  const v1::NetworkSpec& spec_;
  MlpLayout layout_;
  size_t width_ = 0;
  size_t offset_ = 0;
};

}  // namespace

absl::StatusOr<MlpLayout> MlpLayout::Create(const v1::PolicyHeader& header) {
  if (absl::Status status = ValidateHeader(header); !status.ok()) return status;
  const auto observation_size = static_cast<size_t>(SpaceSize(header.observation_space()));
  const bool shared = header.network().trunk() == "shared";
  LayoutBuilder builder(header.network());
  builder.AddTrunk(observation_size, shared ? "trunk" : "actor");
  builder.AddHead("actor", static_cast<size_t>(header.action_space().discrete().n()));
  if (!shared) builder.AddTrunk(observation_size, "critic");
  builder.AddHead("critic", 1);
  return builder.Take();
}

absl::StatusOr<std::unique_ptr<Network>> MakeMlp(const v1::PolicyHeader& header) {
  absl::StatusOr<MlpLayout> layout = MlpLayout::Create(header);
  if (!layout.ok()) return layout.status();
  return std::make_unique<Mlp>(*std::move(layout));
}

}  // namespace understudy
