#include "common/trajectory/finite.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace understudy {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(AllFinite, FindsWhatIsNotWhereverItIs) {
  EXPECT_TRUE(AllFinite({}));
  EXPECT_TRUE(AllFinite(std::vector<float>{0, -1e38f, std::numeric_limits<float>::denorm_min()}));
  for (const float bad : {kNan, kInfinity, -kInfinity}) {
    EXPECT_FALSE(AllFinite(std::vector<float>{bad, 0, 0}));
    EXPECT_FALSE(AllFinite(std::vector<float>{0, 0, bad}));
  }
}

TEST(FindNotFinite, GivesTheIndexOfTheFirst) {
  EXPECT_EQ(FindNotFinite({}), std::nullopt);
  EXPECT_EQ(FindNotFinite(std::vector<float>{0, -1e38f}), std::nullopt);
  std::vector<float> numbers(100, 1.0f);
  numbers[37] = -kInfinity;
  numbers[90] = kNan;
  EXPECT_EQ(FindNotFinite(numbers), 37u);
}

TEST(NameNotFinite, NamesTheFirstNumberThatIsNot) {
  EXPECT_EQ(NameNotFinite("observation", std::vector<float>{0, 1, kInfinity, kNan}), "observation[2] is inf");
  EXPECT_EQ(NameNotFinite("observation", std::vector<float>{-kNan, 1}), "observation[0] is nan");
  EXPECT_EQ(NameNotFinite("reward", std::vector<float>{-kInfinity}), "reward is -inf");
  EXPECT_EQ(NameNotFinite("logits", std::vector<float>{0, kNan}, "policy expert@7"),
            "logits[1] of policy expert@7 is nan");
}

}  // namespace
}  // namespace understudy
