#include "common/policy/network.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/environment/spaces.h"
#include "common/policy/mlp.h"

namespace understudy {
namespace {

struct Entry {
  const char* type;
  absl::StatusOr<std::unique_ptr<Network>> (*make)(const v1::PolicyHeader& header);
};

// The table of networks.
constexpr Entry kNetworks[] = {
    {"mlp", MakeMlp},
};

}  // namespace

int64_t ParameterTensor::size() const {
  int64_t size = 1;
  for (const int64_t extent : shape) size *= extent;
  return size;
}

absl::StatusOr<std::unique_ptr<Network>> MakeNetwork(const v1::PolicyHeader& header) {
  if (absl::Status status = ValidateSpace(header.observation_space()); !status.ok()) return status;
  if (absl::Status status = ValidateSpace(header.action_space()); !status.ok()) return status;
  for (const Entry& entry : kNetworks) {
    if (header.network().type() == entry.type) return entry.make(header);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "network.type: found \"", header.network().type(), "\", expected one of: ",
      absl::StrJoin(kNetworks, ", ", [](std::string* out, const Entry& entry) { out->append(entry.type); })));
}

}  // namespace understudy
