#include "common/policy/blas.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace understudy {
namespace {

using ::testing::HasSubstr;

// What is in the process is asked of the dynamic linker here too: the machine decides which of the two tests counts.
bool HasOpenBlas() { return dlsym(RTLD_DEFAULT, "openblas_set_num_threads") != nullptr; }

TEST(Blas, OpenBlasIsNamedAndNotWarnedOf) {
  if (!HasOpenBlas()) GTEST_SKIP() << "LibTorch does not run on OpenBLAS here";
  EXPECT_THAT(BlasName(), HasSubstr("OpenBLAS"));
  EXPECT_FALSE(BlasWarning().has_value());
}

TEST(Blas, TheReferenceBlasIsWarnedOfWithTheRemedy) {
  if (BlasName() != "reference BLAS") GTEST_SKIP() << "LibTorch runs on " << BlasName() << " here";
  EXPECT_THAT(BlasWarning().value(), HasSubstr("apt-get install libopenblas0-pthread"));
}

TEST(Blas, ComputeThreadsAreSetForLibTorch) {
  SetComputeThreads(1);
  EXPECT_EQ(at::get_num_threads(), 1);
  SetComputeThreads(2);
  EXPECT_EQ(at::get_num_threads(), 2);
  SetComputeThreads(1);
}

}  // namespace
}  // namespace understudy
