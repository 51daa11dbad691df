#include "common/snapshot/checksum.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace understudy {
namespace {

// By another program.
TEST(Checksum, IsXxh3) {
  EXPECT_EQ(ChecksumText(Checksum("")), "2d06800538d394c2");
  EXPECT_EQ(ChecksumText(Checksum("abc")), "78af5f94892f3950");
  EXPECT_EQ(ChecksumText(Checksum(std::string(1000000, 'a'))), "b1fd6fae5285c4eb");
}

TEST(Checksum, IsPaddedAsText) { EXPECT_EQ(ChecksumText(0x2a), "000000000000002a"); }

TEST(RunningChecksum, IsThatOfTheWholeWhateverThePieces) {
  std::string whole(300000, '\0');
  for (size_t i = 0; i < whole.size(); ++i) whole[i] = static_cast<char>(i * 31 % 251);
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{256}, size_t{65536}, whole.size()}) {
    RunningChecksum running;
    for (size_t at = 0; at < whole.size(); at += piece) running.Add(std::string_view(whole).substr(at, piece));
    EXPECT_EQ(running.Value(), Checksum(whole)) << piece;
  }
}

TEST(RunningChecksum, GoesOnAfterItsValueAndBeginsAgain) {
  RunningChecksum running;
  EXPECT_EQ(running.Value(), Checksum(""));
  running.Add("a");
  EXPECT_EQ(running.Value(), Checksum("a"));
  running.Add("bc");
  EXPECT_EQ(running.Value(), Checksum("abc"));
  running.Reset();
  EXPECT_EQ(running.Value(), Checksum(""));
}

}  // namespace
}  // namespace understudy
