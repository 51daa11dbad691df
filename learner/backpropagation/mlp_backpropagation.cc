#include "learner/backpropagation/mlp_backpropagation.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "learner/backpropagation/compute_threads.h"
#include "learner/backpropagation/numerical_fault.h"

namespace understudy {
namespace {

// More parts would let more threads help; each has a gradient of its own, which costs memory and time to add up.
constexpr size_t kMostParts = 8;
constexpr size_t kFewestParts = 2;
constexpr size_t kPartsFloats = size_t{1} << 25;

// A block's way through the network and back. One for each part of a minibatch.
class Part {
 public:
  explicit Part(const MlpLayout& layout) : layout_(layout), features_(layout.layers.size()) {
    for (size_t i = 0; i < features_.size(); ++i) features_[i].resize(kBlockRows * layout.layers[i].outputs);
    gradient_.resize(kBlockRows * layout.widest);
    next_gradient_.resize(kBlockRows * layout.widest);
    logit_gradients_.resize(kBlockRows * layout.actions());
    value_gradients_.resize(kBlockRows);
  }

  // Adds the block's gradient to `gradients`. `transposed`: each layer's weight, where its bias is not counted.
  absl::Status Add(std::span<const float> parameters, std::span<const AlignedFloats> transposed,
                   std::span<const float> observations, size_t first_row, bool with_values, const Loss& loss,
                   std::span<float> gradients) {
    observations_ = observations;
    rows_ = observations.size() / layout_.observation_size();
    Forward(parameters, with_values);
    const NetworkOutput output{.logits = Features(layout_.actor_head()),
                               .values = with_values ? Features(layout_.critic_head()) : std::span<float>()};
    absl::Status status = CheckFinite("logits", output.logits, first_row * layout_.actions());
    status.Update(CheckFinite("values", output.values, first_row));
    if (!status.ok()) return status;
    const std::span<float> logit_gradients = std::span(logit_gradients_).first(output.logits.size());
    const std::span<float> value_gradients = std::span(value_gradients_).first(output.values.size());
    status = loss(first_row, output, {.logits = logit_gradients, .values = value_gradients});
    if (!status.ok()) return status;
    BackwardHead(layout_.actor_head(), layout_.actor_trunk(), transposed, logit_gradients, /*add=*/false, gradients);
    if (!layout_.shared) BackwardTrunk(layout_.actor_trunk(), transposed, gradients);
    if (with_values) {
      BackwardHead(layout_.critic_head(), layout_.critic_trunk(), transposed, value_gradients, layout_.shared,
                   gradients);
    }
    if (layout_.shared || with_values) BackwardTrunk(layout_.critic_trunk(), transposed, gradients);
    return absl::OkStatus();
  }

 private:
  const MlpLayer& Layer(size_t index) const { return layout_.layers[index]; }
  std::span<float> Features(size_t layer) { return std::span(features_[layer]).first(rows_ * Layer(layer).outputs); }
  // What a layer of the trunk that begins at `trunk` reads.
  std::span<const float> InputOf(size_t layer, size_t trunk) {
    return layer == trunk ? observations_ : Features(layer - 1);
  }

  void Forward(std::span<const float> parameters, bool with_values) {
    ForwardTrunk(parameters, layout_.actor_trunk());
    ForwardHead(parameters, layout_.actor_head(), layout_.actor_trunk());
    if (!with_values) return;
    if (!layout_.shared) ForwardTrunk(parameters, layout_.critic_trunk());
    ForwardHead(parameters, layout_.critic_head(), layout_.critic_trunk());
  }

  void ForwardTrunk(std::span<const float> parameters, size_t trunk) {
    for (size_t layer = trunk; layer < trunk + layout_.hidden; ++layer) {
      ApplyDense(Layer(layer).Of(parameters), InputOf(layer, trunk), Features(layer));
      layout_.relu ? ApplyRelu(Features(layer)) : ApplyTanh(Features(layer));
    }
  }

  void ForwardHead(std::span<const float> parameters, size_t head, size_t trunk) {
    ApplyDense(Layer(head).Of(parameters), InputOf(trunk + layout_.hidden, trunk), Features(head));
  }

  // Derivatives by what the head reads go to gradient_, added to what is there for a second head.
  void BackwardHead(size_t head, size_t trunk, std::span<const AlignedFloats> transposed,
                    std::span<const float> output_gradients, bool add, std::span<float> gradients) {
    AddDenseGradient(InputOf(trunk + layout_.hidden, trunk), output_gradients, Layer(head).Of(gradients), scratch_);
    PropagateDense(transposed[head], output_gradients, Layer(head).outputs, add,
                   std::span(gradient_).first(rows_ * Layer(head).inputs));
  }

  void BackwardTrunk(size_t trunk, std::span<const AlignedFloats> transposed, std::span<float> gradients) {
    for (size_t layer = trunk + layout_.hidden; layer-- > trunk;) {
      const std::span<float> gradient = std::span(gradient_).first(rows_ * Layer(layer).outputs);
      layout_.relu ? PropagateRelu(Features(layer), gradient) : PropagateTanh(Features(layer), gradient);
      AddDenseGradient(InputOf(layer, trunk), gradient, Layer(layer).Of(gradients), scratch_);
      if (layer == trunk) return;
      PropagateDense(transposed[layer], gradient, Layer(layer).outputs, /*add=*/false,
                     std::span(next_gradient_).first(rows_ * Layer(layer).inputs));
      std::swap(gradient_, next_gradient_);
    }
  }

  const MlpLayout& layout_;
  size_t rows_ = 0;
  std::span<const float> observations_;
  std::vector<AlignedFloats> features_;  // of each layer
  AlignedFloats gradient_;               // by the outputs of the layer that is being gone back through
  AlignedFloats next_gradient_;
  std::vector<float> logit_gradients_;
  std::vector<float> value_gradients_;
  std::vector<float> scratch_;
};

class MlpBackpropagation final : public Backpropagation {
 public:
  MlpBackpropagation(MlpLayout layout, int threads)
      : layout_(std::move(layout)), threads_(threads), transposed_(layout_.layers.size()) {
    for (size_t i = 0; i < transposed_.size(); ++i) {
      if (!ReadsObservations(i)) transposed_[i].resize(layout_.layers[i].weight_count());
    }
  }

  absl::Status Compute(std::span<const float> parameters, std::span<const float> observations, bool with_values,
                       const Loss& loss, std::span<float> gradients) override {
    for (size_t i = 0; i < transposed_.size(); ++i) {
      if (ReadsObservations(i)) continue;
      Transpose(layout_.layers[i].Of(parameters).weights, layout_.layers[i].outputs, transposed_[i]);
    }
    const size_t size = layout_.observation_size();
    const size_t rows = observations.size() / size;
    const size_t blocks = (rows + kBlockRows - 1) / kBlockRows;
    const size_t parts = PartsOf(blocks);
    while (parts_.size() < parts) parts_.emplace_back(layout_);
    part_gradients_.resize(parts);
    statuses_.assign(parts, absl::OkStatus());
    threads_.Run(parts, [&](size_t part) {
      const std::span<float> target = part == 0 ? gradients : GradientsOf(part);
      std::fill(target.begin(), target.end(), 0.0f);
      const size_t end = (part + 1) * blocks / parts;
      for (size_t block = part * blocks / parts; block < end && statuses_[part].ok(); ++block) {
        const size_t first = block * kBlockRows;
        const size_t count = std::min(kBlockRows, rows - first);
        statuses_[part] = parts_[part].Add(parameters, transposed_, observations.subspan(first * size, count * size),
                                           first, with_values, loss, target);
      }
    });
    for (size_t part = 0; part < parts; ++part) {
      if (!statuses_[part].ok()) return statuses_[part];
      if (part > 0) AddTo(gradients, part_gradients_[part]);
    }
    if (parts == 0) std::fill(gradients.begin(), gradients.end(), 0.0f);
    return absl::OkStatus();
  }

  void Run(size_t parts, absl::FunctionRef<void(size_t part)> work) override { threads_.Run(parts, work); }

 private:
  bool ReadsObservations(size_t layer) const {
    return layer == layout_.actor_trunk() || layer == layout_.critic_trunk();
  }

  size_t PartsOf(size_t blocks) const {
    return std::min(blocks, std::clamp(kPartsFloats / layout_.parameter_count(), kFewestParts, kMostParts));
  }

  std::span<float> GradientsOf(size_t part) {
    part_gradients_[part].resize(layout_.parameter_count());
    return part_gradients_[part];
  }

  const MlpLayout layout_;
  ComputeThreads threads_;
  std::vector<AlignedFloats> transposed_;  // weights, but for layers that read observations
  std::vector<Part> parts_;
  std::vector<AlignedFloats> part_gradients_;  // none of the first part, which writes the result itself
  std::vector<absl::Status> statuses_;
};

}  // namespace

std::unique_ptr<Backpropagation> MakeMlpBackpropagation(MlpLayout layout, int threads) {
  return std::make_unique<MlpBackpropagation>(std::move(layout), threads);
}

}  // namespace understudy
