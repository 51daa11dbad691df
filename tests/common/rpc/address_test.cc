#include "common/rpc/address.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

TEST(ParseAddress, TakesNamesAndNumbers) {
  const auto name = ParseAddress("actor-1.cluster_a:50051");
  ASSERT_TRUE(name.ok()) << name.status();
  EXPECT_EQ(name->host, "actor-1.cluster_a");
  EXPECT_EQ(name->port, 50051);
  const auto v6 = ParseAddress("[::1]:0");
  ASSERT_TRUE(v6.ok()) << v6.status();
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->port, 0);
  EXPECT_EQ(ParseAddress("0.0.0.0:65535").value().port, 65535);
}

TEST(ParseAddress, RefusesEverythingElseAndNamesIt) {
  for (const char* text :
       {"", ":", "host", "host:", ":1", "host:65536", "host:-1", "host:+1", "host:1x", "host: 1", "a b:1", "::1:50051",
        "[::1]", "[]:1", "[host]:1", "http://host:1", "unix:/tmp/x", "host:99999999999999999999"}) {
    const auto address = ParseAddress(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(address.status().message().find(text), absl::string_view::npos) << address.status();
  }
}

TEST(FormatAddress, PutsBracketsAroundIpv6) {
  EXPECT_EQ(FormatAddress("::1", 80), "[::1]:80");
  EXPECT_EQ(FormatAddress("host", 80), "host:80");
}

TEST(ResolveHost, KnowsLoopback) {
  for (const char* host : {"127.0.0.1", "127.9.9.9", "::1", "localhost", "::ffff:127.0.0.1"}) {
    const auto resolved = ResolveHost(host);
    ASSERT_TRUE(resolved.ok()) << resolved.status();
    EXPECT_TRUE(resolved->loopback) << host;
  }
  for (const char* host : {"0.0.0.0", "::", "10.1.2.3", "128.0.0.1"}) {
    const auto resolved = ResolveHost(host);
    ASSERT_TRUE(resolved.ok()) << resolved.status();
    EXPECT_FALSE(resolved->loopback) << host;
  }
}

TEST(ResolveHost, KnowsWhatNobodyCanConnectTo) {
  for (const char* host : {"0.0.0.0", "0", "::", "0:0:0:0:0:0:0:0", "::ffff:0.0.0.0"}) {
    const auto resolved = ResolveHost(host);
    ASSERT_TRUE(resolved.ok()) << resolved.status();
    EXPECT_TRUE(resolved->wildcard) << host;
  }
  for (const char* host : {"127.0.0.1", "::1", "10.0.0.0", "::ffff:0.0.0.1"}) {
    const auto resolved = ResolveHost(host);
    ASSERT_TRUE(resolved.ok()) << resolved.status();
    EXPECT_FALSE(resolved->wildcard) << host;
  }
}

TEST(LocalAddressTowards, IsLoopbackTowardsThisMachine) {
  for (const char* host : {"127.0.0.1", "127.0.0.9", "localhost"}) {
    const auto local = LocalAddressTowards({.host = host, .port = 50051});
    ASSERT_TRUE(local.ok()) << local.status();
    EXPECT_TRUE(local->loopback) << host << ": " << local->ip;
  }
}

TEST(LocalAddressTowards, NamesWhomItCannotFind) {
  const auto local = LocalAddressTowards({.host = "nobody.invalid", .port = 50051});
  EXPECT_EQ(local.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(local.status().message().find("nobody.invalid"), std::string::npos) << local.status();
}

}  // namespace
}  // namespace understudy
