#include "common/policy/blas.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>

namespace understudy {
namespace {

// Debian's alternatives choose the BLAS when the program starts, so only the running process knows which it is.
template <typename Function>
Function* FindSymbol(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

constexpr char kReferenceBlas[] = "reference BLAS";

}  // namespace

std::string BlasName() {
  if (auto* config = FindSymbol<char*()>("openblas_get_config")) return config();
  if (FindSymbol<void()>("mkl_get_version") != nullptr || FindSymbol<void()>("MKL_Get_Version") != nullptr)
    return "MKL";
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
