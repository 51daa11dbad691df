#include "learner/backpropagation/autograd_backpropagation.h"

#include <dlfcn.h>
#include <spdlog/spdlog.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "learner/backpropagation/autograd_library.h"

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
