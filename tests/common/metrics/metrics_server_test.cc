#include "common/metrics/metrics_server.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

void Nothing(Scrape&) {}

TEST(MetricsServer, IsNotThereWhereNobodyAsksForIt) {
  const auto server = MetricsServer::Start("", "p", Nothing);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(*server, nullptr);
}

TEST(MetricsServer, ListensOnLoopbackUnlessToldOtherwise) {
  const auto server = MetricsServer::Start("0", "p", Nothing);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_TRUE((*server)->address().starts_with("127.0.0.1:")) << (*server)->address();
  EXPECT_NE((*server)->address(), "127.0.0.1:0");
  const auto named = MetricsServer::Start("localhost:0", "p", Nothing);
  ASSERT_TRUE(named.ok()) << named.status();
  EXPECT_TRUE((*named)->address().starts_with("localhost:")) << (*named)->address();
}

TEST(MetricsServer, RefusesWhatIsNoPortAndOneThatIsTaken) {
  for (const char* listen : {"here", "127.0.0.1:", "70000", "127.0.0.1:-1"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(MetricsServer::Start(listen, "p", Nothing).status())) << listen;
  }
  const auto first = MetricsServer::Start("0", "p", Nothing);
  ASSERT_TRUE(first.ok());
  const absl::Status taken = MetricsServer::Start((*first)->address(), "p", Nothing).status();
  EXPECT_TRUE(absl::IsUnavailable(taken)) << taken;
}

}  // namespace
}  // namespace understudy
