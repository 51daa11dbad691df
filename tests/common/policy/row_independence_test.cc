// Inference must give a row the same bits wherever it stands, whatever stands beside it and however many rows there
// are: that is what makes rollouts independent of how work was divided among actors.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "common/policy/policy.h"
#include "common/random/random_stream.h"
#include "tests/testing/training_inputs.h"

namespace understudy {
namespace {

constexpr size_t kWidth = 64;

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

std::vector<float> RandomRows(size_t columns, uint64_t stream, size_t rows = kWidth) {
  RandomStream random(1, RandomPurpose::kCollectionReset, stream, 0);
  std::vector<float> numbers(rows * columns);
  for (float& number : numbers) number = static_cast<float>(random.Normal());
  return numbers;
}

Policy MakePolicy(const Case& param) {
  Policy policy = *Policy::Create(Header(param), 2);
  for (float& parameter : policy.parameters()) parameter += 0.01f;
  return policy;
}

struct Inferred {
  std::vector<float> logits, values;
};

Inferred Infer(const Policy& policy, std::span<const float> observations) {
  const size_t rows = observations.size() / policy.observation_size();
  Inferred inferred{.logits = std::vector<float>(rows * policy.actions()), .values = std::vector<float>(rows)};
  policy.Infer(observations, {.logits = inferred.logits, .values = inferred.values});
  return inferred;
}

// Rows [a, a + count) of one have the bits of rows [b, b + count) of the other.
bool SameBits(const Inferred& one, size_t a, const Inferred& other, size_t b, size_t count) {
  const size_t actions = one.logits.size() / one.values.size();
  return std::memcmp(&one.values[a], &other.values[b], count * sizeof(float)) == 0 &&
         std::memcmp(&one.logits[a * actions], &other.logits[b * actions], count * actions * sizeof(float)) == 0;
}

TEST_P(RowIndependence, ARowsResultHasTheSameBitsAtEveryPositionAmongAnyNeighbours) {
  const Policy policy = MakePolicy(GetParam());
  const size_t columns = policy.observation_size();
  const std::vector<float> reference = RandomRows(columns, 0);
  const Inferred expected = Infer(policy, reference);
  for (size_t position = 0; position < kWidth; ++position) {
    // The first reference row moves through batches of other rows, and of zeros, as idle lanes are.
    std::vector<float> others =
        position % 2 == 0 ? RandomRows(columns, 1 + position) : std::vector<float>(kWidth * columns);
    std::copy_n(reference.begin(), columns, others.begin() + static_cast<ptrdiff_t>(position * columns));
    ASSERT_TRUE(SameBits(Infer(policy, others), position, expected, 0, 1)) << position;
  }
}

TEST_P(RowIndependence, ARowsResultHasTheSameBitsInBatchesOfEveryWidth) {
  const Policy policy = MakePolicy(GetParam());
  const size_t columns = policy.observation_size();
  const std::vector<float> all = RandomRows(columns, 0, 1000);
  const Inferred expected = Infer(policy, all);
  for (const size_t width : {1, 2, 7, 64, 65}) {
    for (size_t first = 0; first + width <= 200; first += width) {
      const Inferred part = Infer(policy, std::span(all).subspan(first * columns, width * columns));
      ASSERT_TRUE(SameBits(part, 0, expected, first, width)) << width << " from " << first;
    }
  }
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
