#include "common/policy/policy.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/environment/spaces.h"

namespace understudy {

namespace {

size_t ParameterBytes(const Network& network) {
  int64_t count = 0;
  for (const ParameterTensor& tensor : network.Parameters()) count += tensor.size();
  return static_cast<size_t>(count) * sizeof(float);
}

}  // namespace

Policy::Policy(v1::PolicyHeader header, std::unique_ptr<Network> network, std::string bytes)
    : header_(std::move(header)),
      network_(std::move(network)),
      bytes_(std::move(bytes)),
      observation_size_(static_cast<size_t>(SpaceSize(header_.observation_space()))),
      actions_(static_cast<size_t>(header_.action_space().discrete().n())) {}

absl::StatusOr<Policy> Policy::Create(const v1::PolicyHeader& header, uint64_t seed) {
  absl::StatusOr<std::unique_ptr<Network>> network = MakeNetwork(header);
  if (!network.ok()) return network.status();
  std::string bytes(ParameterBytes(**network), '\0');
  Policy policy(header, *std::move(network), std::move(bytes));
  policy.network_->Initialise(policy.parameters(), seed);
  return policy;
}

absl::StatusOr<Policy> Policy::FromSnapshot(PolicySnapshot snapshot) {
  absl::StatusOr<std::unique_ptr<Network>> network = MakeNetwork(snapshot.header);
  if (!network.ok()) return network.status();
  const size_t bytes = ParameterBytes(**network);
  if (snapshot.parameters.size() != bytes) {
    return absl::InvalidArgumentError(absl::StrCat("policy ", snapshot.header.name(), "@", snapshot.header.version(),
                                                   ": found ", snapshot.parameters.size(), " bytes of parameters, ",
                                                   "its network has ", bytes));
  }
  return Policy(std::move(snapshot.header), *std::move(network), std::move(snapshot.parameters));
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
  return MakeSnapshot(std::move(header), bytes_);
}

}  // namespace understudy
