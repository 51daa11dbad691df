#include "common/rpc/coordinators.h"

#include <gtest/gtest.h>

#include <string>

namespace understudy {
namespace {

TEST(Coordinators, AreAskedInTurnAsLongAsTheyAreSilent) {
  const auto coordinators = Coordinators::Make("a:1,b:2,[::1]:3").value();
  const Coordinators::Peer first = coordinators->Current();
  EXPECT_EQ(first.address, "a:1");
  coordinators->MoveOn(first);
  const Coordinators::Peer second = coordinators->Current();
  EXPECT_EQ(second.address, "b:2");
  // Somebody else who found the first one silent, later.
  coordinators->MoveOn(first);
  EXPECT_EQ(coordinators->Current().address, "b:2");
  coordinators->MoveOn(second);
  EXPECT_EQ(coordinators->Current().address, "[::1]:3");
  coordinators->MoveOn(coordinators->Current());
  EXPECT_EQ(coordinators->Current().address, "a:1");
}

TEST(Coordinators, MayBeOne) {
  const auto coordinators = Coordinators::Make("a:1").value();
  coordinators->MoveOn(coordinators->Current());
  EXPECT_EQ(coordinators->Current().address, "a:1");
}

TEST(Coordinators, AreRefusedWhereOneIsNoAddress) {
  for (const char* addresses : {"", "a:1,", "a:1,b", "a:1, b:2", "a:0"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Coordinators::Make(addresses).status())) << addresses;
  }
  std::string many = "a:1";
  for (int i = 1; i < 16; ++i) many += ",a:1";
  EXPECT_TRUE(Coordinators::Make(many).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(Coordinators::Make(many + ",a:1").status()));
}

}  // namespace
}  // namespace understudy
