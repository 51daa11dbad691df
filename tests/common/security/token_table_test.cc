#include "common/security/token_table.h"

#include <gtest/gtest.h>

#include <string>

namespace understudy {
namespace {

constexpr char kActorToken[] = "0123456789abcdef";
constexpr char kAdminToken[] = "fedcba9876543210";

std::string ErrorOf(const std::string& text) { return std::string(TokenTable::Parse(text).status().message()); }

TEST(TokenTable, FindsTheRoleOfAToken) {
  const auto table = TokenTable::Parse("# comment\n\n actor\t0123456789abcdef\r\nadmin fedcba9876543210");
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->size(), 2u);
  EXPECT_TRUE(table->Find(kActorToken).Has(PeerRole::kActor));
  EXPECT_FALSE(table->Find(kActorToken).Has(PeerRole::kAdmin));
  EXPECT_TRUE(table->Find(kAdminToken).Has(PeerRole::kAdmin));
  for (const char* other : {"", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF"}) {
    EXPECT_TRUE(table->Find(other).empty()) << other;
  }
}

TEST(TokenTable, GivesATokenThatStandsTwiceBothRoles) {
  const auto table = TokenTable::Parse("actor 0123456789abcdef\nlearner 0123456789abcdef\n");
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->Find(kActorToken).Text("and"), "actor and learner");
}

TEST(TokenTable, RefusesWhatIsNoRoleOrNoTokenNamingTheLineButNotTheToken) {
  EXPECT_EQ(ErrorOf("\nadmin short"),
            "line 2: a token of 5 characters, expected 16 to 4096 (openssl rand -hex 32 makes one)");
  EXPECT_EQ(ErrorOf("root 0123456789abcdef"),
            "line 1: the first word is no role; expected actor, learner, coordinator, client or admin");
  EXPECT_EQ(ErrorOf("actor 0123456789abcdef extra"), "line 1: expected ROLE TOKEN, found 3 words");
  EXPECT_EQ(ErrorOf("actor"), "line 1: expected ROLE TOKEN, found 1 words");
  EXPECT_EQ(ErrorOf("actor 0123456789abcde\xc3\xa9"),
            "line 1: a token with a space, or a character that is not printable ASCII");
  EXPECT_EQ(ErrorOf("actor " + std::string(4097, 'x')),
            "line 1: a token of 4097 characters, expected 16 to 4096 (openssl rand -hex 32 makes one)");
  std::string many;
  for (int i = 0; i < 10'001; ++i) many += "actor 0123456789abcdef\n";
  EXPECT_EQ(ErrorOf(many), "line 10001: more than 10000 tokens");
}

}  // namespace
}  // namespace understudy
