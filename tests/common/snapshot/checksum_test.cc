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

// FIPS 180-4 examples.
TEST(Sha256, MatchesThePublishedVectors) {
  EXPECT_EQ(ToHex(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(ToHex(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(ToHex(Sha256(std::string(1000000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Hash, HashesPartsAsTheirConcatenation) {
  Sha256Hash hash;
  hash.Add("a");
  hash.Add("");
  hash.Add("bc");
  EXPECT_EQ(hash.Finish(), Sha256("abc"));
}

TEST(Sha256Hash, GoesOnAfterFinish) {
  Sha256Hash hash;
  EXPECT_EQ(hash.Finish(), Sha256(""));
  hash.Add("abc");
  EXPECT_EQ(hash.Finish(), Sha256("abc"));
  EXPECT_EQ(hash.Finish(), Sha256("abc"));
}

TEST(ToHex, PrintsEveryByteWithTwoLowerCaseDigits) {
  EXPECT_EQ(ToHex(std::string_view("\x00\x0f\xa0\xff", 4)), "000fa0ff");
  EXPECT_EQ(ToHex(""), "");
}

}  // namespace
}  // namespace understudy
