// Inference must give a row the same bits wherever it stands, whatever stands beside it and however many rows there
// are: that is what makes rollouts independent of how work was divided among actors.
#include <gtest/gtest.h>

#include <cstring>

#include "common/policy/blas.h"
#include "common/policy/policy.h"
#include "common/random/random_stream.h"
#include "tests/testing/training_inputs.h"

namespace understudy {
namespace {

constexpr int64_t kWidth = 64;

struct Case {
  const char* network;
  int64_t observation_size;
  int32_t actions;
};

class RowIndependence : public ::testing::TestWithParam<Case> {};

v1::PolicyHeader Header(const Case& param) {
  v1::PolicyHeader header = testing::CartPoleHeader(param.network);
  v1::Space::Box& box = *header.mutable_observation_space()->mutable_box();
  box.Clear();
  box.add_shape(param.observation_size);
  header.mutable_action_space()->mutable_discrete()->set_n(param.actions);
  return header;
}

at::Tensor RandomRows(int64_t columns, uint64_t stream, int64_t width = kWidth) {
  RandomStream random(1, RandomPurpose::kEpisodeReset, stream, 0);
  at::Tensor rows = at::empty({width, columns});
  for (int64_t i = 0; i < rows.numel(); ++i) rows.data_ptr<float>()[i] = static_cast<float>(random.Normal());
  return rows;
}

bool SameBits(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor left = a.contiguous();
  const at::Tensor right = b.contiguous();
  return left.nbytes() == right.nbytes() && std::memcmp(left.data_ptr(), right.data_ptr(), left.nbytes()) == 0;
}

TEST_P(RowIndependence, ARowsResultHasTheSameBitsAtEveryPositionAmongAnyNeighbours) {
  SetComputeThreads(1);
  Policy policy = *Policy::Create(Header(GetParam()), 2);
  policy.parameters().add_(0.01);
  const at::Tensor reference = RandomRows(GetParam().observation_size, 0);
  const Policy::Output expected = policy.Infer(reference, true);
  for (int64_t position = 0; position < kWidth; ++position) {
    // The first reference row moves through batches of other rows, and of zeros, as padding is.
    at::Tensor others = position % 2 == 0 ? RandomRows(GetParam().observation_size, 1 + position)
                                          : at::zeros({kWidth, GetParam().observation_size});
    others[position].copy_(reference[0]);
    const Policy::Output output = policy.Infer(others, true);
    ASSERT_TRUE(SameBits(output.logits[position], expected.logits[0])) << position;
    ASSERT_TRUE(SameBits(output.values[position], expected.values[0])) << position;
  }
}

TEST_P(RowIndependence, ARowsResultHasTheSameBitsInBatchesOfEveryWidth) {
  SetComputeThreads(1);
  Policy policy = *Policy::Create(Header(GetParam()), 2);
  policy.parameters().add_(0.01);
  const at::Tensor all = RandomRows(GetParam().observation_size, 0, 1000);
  const Policy::Output expected = policy.Infer(all, true);
  for (const int64_t width : {1, 2, 7, 64, 65}) {
    for (int64_t first = 0; first + width <= 200; first += width) {
      const Policy::Output output = policy.Infer(all.narrow(0, first, width), true);
      ASSERT_TRUE(SameBits(output.logits, expected.logits.narrow(0, first, width))) << width << " from " << first;
      ASSERT_TRUE(SameBits(output.values, expected.values.narrow(0, first, width))) << width << " from " << first;
    }
  }
}

TEST_P(RowIndependence, AskingForValuesChangesNoLogits) {
  SetComputeThreads(1);
  const Policy policy = *Policy::Create(Header(GetParam()), 2);
  const at::Tensor rows = RandomRows(GetParam().observation_size, 0);
  EXPECT_TRUE(SameBits(policy.Infer(rows, true).logits, policy.Infer(rows, false).logits));
}

INSTANTIATE_TEST_SUITE_P(
    Networks, RowIndependence,
    ::testing::Values(Case{"hidden_sizes: [64, 64]", 4, 2}, Case{"hidden_sizes: [64, 64] trunk: 'shared'", 4, 2},
                      Case{"hidden_sizes: [32] activation: 'relu'", 4, 2}, Case{"hidden_sizes: [5, 7, 3]", 3, 5},
                      Case{"hidden_sizes: [1]", 1, 1}, Case{"hidden_sizes: [128, 128]", 17, 6},
                      Case{"hidden_sizes: [256, 256] activation: 'relu'", 8, 4},
                      Case{"hidden_sizes: [400, 300]", 111, 8}, Case{"hidden_sizes: [512]", 84, 18}));

}  // namespace
}  // namespace understudy
