#include "common/policy/policy.h"

#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/environment/spaces.h"

namespace understudy {

Policy::Policy(v1::PolicyHeader header, std::unique_ptr<Network> network)
    : header_(std::move(header)),
      network_(std::move(network)),
      observation_size_(static_cast<size_t>(SpaceSize(header_.observation_space()))),
      actions_(static_cast<size_t>(header_.action_space().discrete().n())) {
  int64_t count = 0;
  for (const ParameterTensor& tensor : network_->Parameters()) count += tensor.size();
  parameters_.resize(static_cast<size_t>(count));
}

absl::StatusOr<Policy> Policy::Create(const v1::PolicyHeader& header, uint64_t seed) {
  absl::StatusOr<std::unique_ptr<Network>> network = MakeNetwork(header);
  if (!network.ok()) return network.status();
  Policy policy(header, *std::move(network));
  policy.network_->Initialise(policy.parameters_, seed);
  return policy;
}

absl::StatusOr<Policy> Policy::FromSnapshot(const PolicySnapshot& snapshot) {
  absl::StatusOr<std::unique_ptr<Network>> network = MakeNetwork(snapshot.header);
  if (!network.ok()) return network.status();
  Policy policy(snapshot.header, *std::move(network));
  const std::span<float> parameters = policy.parameters();
  if (snapshot.parameters.size() != parameters.size_bytes()) {
    return absl::InvalidArgumentError(absl::StrCat("policy ", snapshot.header.name(), "@", snapshot.header.version(),
                                                   ": found ", snapshot.parameters.size(), " bytes of parameters, ",
                                                   "its network has ", parameters.size_bytes()));
  }
  std::memcpy(parameters.data(), snapshot.parameters.data(), parameters.size_bytes());
  return policy;
}

std::string Policy::TensorAt(size_t index) const {
  size_t end = 0;
  for (const ParameterTensor& tensor : network_->Parameters()) {
    end += static_cast<size_t>(tensor.size());
    if (index < end) return tensor.name;
  }
  return absl::StrCat("parameter ", index);
}

std::shared_ptr<const PolicySnapshot> Policy::Snapshot(std::string name, int64_t version) const {
  v1::PolicyHeader header = header_;
  header.set_name(std::move(name));
  header.set_version(version);
  return MakeSnapshot(std::move(header),
                      std::string(reinterpret_cast<const char*>(parameters_.data()), parameters().size_bytes()));
}

}  // namespace understudy
