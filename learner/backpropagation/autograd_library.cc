// LibTorch's side of autograd_backpropagation.h, compiled into libunderstudy_autograd.so: the forward passes of
// networks in LibTorch's operations, and backpropagation through them.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "learner/backpropagation/autograd_backpropagation.h"
#include "learner/backpropagation/blas.h"
#include "learner/backpropagation/numerical_fault.h"

namespace understudy {
namespace {

// The output of a network for N rows of observations.
struct AutogradOutput {
  at::Tensor logits;  // [N, n]
  at::Tensor values;  // [N]; undefined unless asked for
};

// Computes the output, differentiably by the parameters, which have the network's shapes. `observations` is float32
// [N, observation size].
using AutogradForward = AutogradOutput (*)(const AutogradNetwork& network, const std::vector<at::Tensor>& parameters,
                                           const at::Tensor& observations, bool with_values);

at::Tensor Linear(const std::vector<at::Tensor>& parameters, size_t layer, const at::Tensor& input) {
  return at::addmm(parameters[2 * layer + 1], input, parameters[2 * layer]);
}

at::Tensor Hidden(const AutogradNetwork& network, const std::vector<at::Tensor>& parameters, size_t first_layer,
                  at::Tensor features) {
  for (size_t i = 0; i < static_cast<size_t>(network.hidden_layers); ++i) {
    features = Linear(parameters, first_layer + i, features);
    features = network.activation == "relu" ? at::relu(features) : at::tanh(features);
  }
  return features;
}

// Layers as in common/policy/mlp.h.
AutogradOutput MlpForward(const AutogradNetwork& network, const std::vector<at::Tensor>& parameters,
                          const at::Tensor& observations, bool with_values) {
  const auto hidden = static_cast<size_t>(network.hidden_layers);
  const at::Tensor actor = Hidden(network, parameters, 0, observations);
  AutogradOutput output{.logits = Linear(parameters, hidden, actor), .values = {}};
  if (with_values) {
    const at::Tensor critic = network.trunk == "shared" ? actor : Hidden(network, parameters, hidden + 1, observations);
    output.values = Linear(parameters, parameters.size() / 2 - 1, critic).squeeze(1);
  }
  return output;
}

struct Entry {
  const char* type;
  AutogradForward forward;
};

// The table of forward passes.
constexpr Entry kForwards[] = {
    {"mlp", MlpForward},
};

// Looks a forward pass up. Returns null if there is none for this type.
AutogradForward FindForward(const std::string& type) {
  for (const Entry& entry : kForwards) {
    if (type == entry.type) return entry.forward;
  }
  return nullptr;
}

std::span<float> Numbers(const at::Tensor& tensor) {
  if (!tensor.defined()) return {};
  return {tensor.data_ptr<float>(), static_cast<size_t>(tensor.numel())};
}

// On the CPU, where our losses are computed.
at::Tensor ToHost(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.detach().to(at::kCPU).contiguous() : at::Tensor();
}

at::Tensor EmptyLike(const at::Tensor& tensor) { return tensor.defined() ? at::empty(tensor.sizes()) : at::Tensor(); }

class AutogradBackpropagation final : public Backpropagation {
 public:
  AutogradBackpropagation(const AutogradNetwork& network, AutogradForward forward, at::Device device)
      : network_(network), forward_(forward), device_(device) {
    int64_t count = 0;
    for (const std::vector<int64_t>& shape : network.parameter_shapes) count += c10::multiply_integers(shape);
    parameters_ = at::zeros({count}, at::device(device).dtype(at::kFloat));
    gradients_ = at::zeros_like(parameters_);
    int64_t offset = 0;
    for (const std::vector<int64_t>& shape : network.parameter_shapes) {
      const int64_t size = c10::multiply_integers(shape);
      // Detached, so that each is a leaf of its own; a gradient that is there already is accumulated into in place.
      at::Tensor tensor = parameters_.narrow(0, offset, size).view(shape).detach();
      tensor.set_requires_grad(true);
      tensor.mutable_grad() = gradients_.narrow(0, offset, size).view(shape);
      tensors_.push_back(std::move(tensor));
      offset += size;
    }
  }

  absl::Status Compute(std::span<const float> parameters, std::span<const float> observations, bool with_values,
                       const Loss& loss, std::span<float> gradients) override {
    // LibTorch throws.
    try {
      return ComputeOrThrow(parameters, observations, with_values, loss, gradients);
    } catch (const std::exception& error) {
      const std::string text = error.what();
      return absl::InternalError("LibTorch: " + text.substr(0, text.find('\n')));
    }
  }

 private:
  absl::Status ComputeOrThrow(std::span<const float> parameters, std::span<const float> observations, bool with_values,
                              const Loss& loss, std::span<float> gradients) {
    {
      const at::NoGradGuard no_gradients;
      parameters_.copy_(View(parameters, {static_cast<int64_t>(parameters.size())}));
    }
    const auto rows = static_cast<int64_t>(observations.size()) / network_.observation_size;
    const AutogradOutput output =
        forward_(network_, tensors_, View(observations, {rows, network_.observation_size}).to(device_), with_values);
    const at::Tensor logits = ToHost(output.logits);
    const at::Tensor values = ToHost(output.values);
    absl::Status status = CheckFinite("logits", Numbers(logits));
    status.Update(CheckFinite("values", Numbers(values)));
    if (!status.ok()) return status;
    const at::Tensor logit_gradients = EmptyLike(logits);
    const at::Tensor value_gradients = EmptyLike(values);
    status = loss(/*first_row=*/0, {.logits = Numbers(logits), .values = Numbers(values)},
                  {.logits = Numbers(logit_gradients), .values = Numbers(value_gradients)});
    if (!status.ok()) return status;
    gradients_.zero_();
    if (with_values) {
      torch::autograd::backward({output.logits, output.values},
                                {logit_gradients.to(device_), value_gradients.to(device_)});
    } else {
      torch::autograd::backward({output.logits}, {logit_gradients.to(device_)});
    }
    const at::Tensor result = ToHost(gradients_);
    std::memcpy(gradients.data(), result.data_ptr<float>(), gradients.size_bytes());
    return absl::OkStatus();
  }

  static at::Tensor View(std::span<const float> numbers, at::IntArrayRef shape) {
    return at::from_blob(const_cast<float*>(numbers.data()), shape, at::kFloat);
  }

  const AutogradNetwork network_;
  const AutogradForward forward_;
  const at::Device device_;
  at::Tensor parameters_;
  at::Tensor gradients_;
  std::vector<at::Tensor> tensors_;  // views of parameters_ whose gradients are views of gradients_
};

// Null with an error where LibTorch cannot compute there.
std::optional<at::Device> FindDevice(const std::string& device, std::string& error) {
  if (device == "cpu" || (device == "auto" && !at::hasCUDA())) return at::Device(at::kCPU);
  if (at::hasCUDA()) return at::Device(at::kCUDA);
  error = "device cuda: this machine's LibTorch has no CUDA, or no GPU that it can use; expected auto or cpu";
  return std::nullopt;
}

}  // namespace
}  // namespace understudy

extern "C" __attribute__((visibility("default"))) understudy::Backpropagation* understudy_make_autograd_v1(
    const understudy::AutogradNetwork& network, const std::string& device, int threads, std::string& error,
    std::string& warning) {
  try {
    understudy::SetComputeThreads(threads);
    warning = understudy::BlasWarning().value_or("");
    const understudy::AutogradForward forward = understudy::FindForward(network.type);
    if (forward == nullptr) {
      error = "network " + network.type + " has no forward pass in LibTorch's operations (autograd_library.cc)";
      return nullptr;
    }
    const std::optional<at::Device> where = understudy::FindDevice(device, error);
    if (!where.has_value()) return nullptr;
    return std::make_unique<understudy::AutogradBackpropagation>(network, forward, *where).release();
  } catch (const std::exception& failure) {
    error = std::string("LibTorch: ") + failure.what();
    return nullptr;
  }
}
