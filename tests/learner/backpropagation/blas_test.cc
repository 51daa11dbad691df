#include "learner/backpropagation/blas.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace understudy {
namespace {

using ::testing::HasSubstr;

TEST(Blas, OpenBlasIsNamedAndNotWarnedOf) {
  EXPECT_THAT(BlasName(), HasSubstr("OpenBLAS"));
  EXPECT_FALSE(BlasWarning().has_value());
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
