#include "learner/backpropagation/blas.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>

namespace understudy {
namespace {

// Debian's alternatives choose the BLAS when the program starts, so only the running process knows which it is.
template <typename Function>
Function* FindSymbol(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

// The library whose matrix product LibTorch calls. Another BLAS may be loaded besides: as LAPACK's, for one.
void* ProductLibrary() {
  void* const product = dlsym(RTLD_DEFAULT, "sgemm_");
  Dl_info found;
  if (product == nullptr || dladdr(product, &found) == 0) return RTLD_DEFAULT;
  void* const library = dlopen(found.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  return library != nullptr ? library : RTLD_DEFAULT;
}

constexpr char kReferenceBlas[] = "reference BLAS";

}  // namespace

std::string BlasName() {
  static void* const library = ProductLibrary();
  // Searches what the library depends on, too.
  if (void* const config = dlsym(library, "openblas_get_config")) return reinterpret_cast<char* (*)()>(config)();
  for (const char* name : {"mkl_get_version", "MKL_Get_Version"}) {
    if (dlsym(library, name) != nullptr) return "MKL";
  }
  return kReferenceBlas;
}

std::optional<std::string> BlasWarning() {
  if (BlasName() != kReferenceBlas) return std::nullopt;
  return "LibTorch runs on the reference BLAS, many times slower than OpenBLAS: apt-get install libopenblas0-pthread";
}

void SetComputeThreads(int threads) {
  at::set_num_threads(threads);
  if (auto* set_threads = FindSymbol<void(int)>("openblas_set_num_threads")) set_threads(threads);
}

}  // namespace understudy
