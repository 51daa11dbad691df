#include "learner/backpropagation/autograd_backpropagation.h"

#include <dlfcn.h>
#include <spdlog/spdlog.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/environment/spaces.h"
#include "common/policy/network.h"
#include "understudy/v1/policy.pb.h"

namespace understudy {
namespace {

// Beside the program: see CMAKE_BUILD_RPATH.
constexpr char kLibrary[] = "libunderstudy_autograd.so";

absl::StatusOr<MakeAutogradFunction*> LoadLibrary() {
  void* const library = dlopen(kLibrary, RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) return absl::FailedPreconditionError(absl::StrCat("LibTorch is needed: ", dlerror()));
  void* const symbol = dlsym(library, kMakeAutogradSymbol);
  if (symbol == nullptr) return absl::FailedPreconditionError(absl::StrCat(kLibrary, " is of another release"));
  return reinterpret_cast<MakeAutogradFunction*>(symbol);
}

}  // namespace

absl::StatusOr<AutogradNetwork> DescribeForAutograd(const v1::PolicyHeader& header) {
  const auto network = MakeNetwork(header);
  if (!network.ok()) return network.status();
  AutogradNetwork description{.type = header.network().type(),
                              .activation = header.network().activation(),
                              .trunk = header.network().trunk(),
                              .hidden_layers = header.network().hidden_sizes_size(),
                              .observation_size = SpaceSize(header.observation_space()),
                              .parameter_shapes = {}};
  for (const ParameterTensor& tensor : (*network)->Parameters()) description.parameter_shapes.push_back(tensor.shape);
  return description;
}

absl::StatusOr<std::unique_ptr<Backpropagation>> MakeAutogradBackpropagation(const AutogradNetwork& network,
                                                                             const std::string& device, int threads) {
  static const absl::StatusOr<MakeAutogradFunction*> make = LoadLibrary();
  if (!make.ok()) return make.status();
  std::string error;
  std::string warning;
  std::unique_ptr<Backpropagation> made((*make)(network, device, threads, error, warning));
  if (!warning.empty()) spdlog::warn("{}", warning);
  if (made == nullptr) return absl::FailedPreconditionError(error);
  return made;
}

}  // namespace understudy
