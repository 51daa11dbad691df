#include "common/snapshot/sha256.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

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
