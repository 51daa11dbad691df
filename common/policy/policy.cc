#include "common/policy/policy.h"

#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

int64_t Count(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return count;
}

}  // namespace

Policy::Policy(v1::PolicyHeader header, std::unique_ptr<Network> network)
    : header_(std::move(header)), network_(std::move(network)) {
  const std::vector<std::vector<int64_t>> shapes = network_->ParameterShapes();
  int64_t count = 0;
  for (const std::vector<int64_t>& shape : shapes) count += Count(shape);
  parameters_ = at::zeros({count}, at::kFloat);
  gradients_ = at::zeros({count}, at::kFloat);
  int64_t offset = 0;
  for (const std::vector<int64_t>& shape : shapes) {
    // Detached, so that each is a leaf of its own; a gradient that is there already is accumulated into in place.
    at::Tensor layer = parameters_.narrow(0, offset, Count(shape)).view(shape).detach();
    layer.set_requires_grad(true);
    layer.mutable_grad() = gradients_.narrow(0, offset, Count(shape)).view(shape);
    layers_.push_back(std::move(layer));
    offset += Count(shape);
  }
}

absl::StatusOr<Policy> Policy::Create(const v1::PolicyHeader& header, uint64_t seed) {
  absl::StatusOr<std::unique_ptr<Network>> network = MakeNetwork(header);
  if (!network.ok()) return network.status();
  Policy policy(header, *std::move(network));
  policy.network_->Initialise(policy.layers_, seed);
  return policy;
}

absl::StatusOr<Policy> Policy::FromSnapshot(const PolicySnapshot& snapshot) {
  absl::StatusOr<std::unique_ptr<Network>> network = MakeNetwork(snapshot.header);
  if (!network.ok()) return network.status();
  Policy policy(snapshot.header, *std::move(network));
  const size_t expected = policy.parameters_.nbytes();
  if (snapshot.parameters.size() != expected) {
    return absl::InvalidArgumentError(absl::StrCat("policy ", snapshot.header.name(), "@", snapshot.header.version(),
                                                   ": found ", snapshot.parameters.size(), " bytes of parameters, ",
                                                   "its network has ", expected));
  }
  std::memcpy(policy.parameters_.data_ptr<float>(), snapshot.parameters.data(), expected);
  return policy;
}

Policy::Output Policy::Forward(const at::Tensor& observations, bool with_values) const {
  return network_->Forward(layers_, observations, with_values);
}

Policy::Output Policy::Infer(const at::Tensor& observations, bool with_values) const {
  return network_->Infer(layers_, observations, with_values, scratch_);
}

std::string Policy::TensorAt(int64_t index) const {
  const std::vector<std::string> names = network_->ParameterNames();
  size_t layer = 0;
  for (int64_t end = layers_[0].numel(); end <= index; end += layers_[layer].numel()) ++layer;
  return names[layer];
}

std::shared_ptr<const PolicySnapshot> Policy::Snapshot(std::string name, int64_t version) const {
  v1::PolicyHeader header = header_;
  header.set_name(std::move(name));
  header.set_version(version);
  std::string bytes(parameters_.nbytes(), '\0');
  std::memcpy(bytes.data(), parameters_.data_ptr<float>(), bytes.size());
  return MakeSnapshot(std::move(header), std::move(bytes));
}

}  // namespace understudy
