#include "common/metrics/metrics_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/process/file_descriptor.h"
#include "common/rpc/address.h"

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

FileDescriptor Connect(const std::string& ip, const MetricsServer& server) {
  const int port = ParseAddress(server.address())->port;
  sockaddr_in v4 = {
      .sin_family = AF_INET, .sin_port = htons(static_cast<uint16_t>(port)), .sin_addr = {}, .sin_zero = {}};
  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = v4.sin_port;
  const bool is_v4 = inet_pton(AF_INET, ip.c_str(), &v4.sin_addr) == 1;
  EXPECT_TRUE(is_v4 || inet_pton(AF_INET6, ip.c_str(), &v6.sin6_addr) == 1);
  FileDescriptor fd(socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM, 0));
  const int connected = is_v4 ? connect(fd.get(), reinterpret_cast<sockaddr*>(&v4), sizeof(v4))
                              : connect(fd.get(), reinterpret_cast<sockaddr*>(&v6), sizeof(v6));
  EXPECT_EQ(connected, 0) << ip;
  return fd;
}

// All that comes until the other side closes.
std::string Ask(const FileDescriptor& fd, const std::string& request) {
  send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL);
  std::string answer;
  char bytes[4096];
  for (ssize_t size; (size = recv(fd.get(), bytes, sizeof(bytes), 0)) > 0;) answer.append(bytes, size);
  return answer;
}

const char kGet[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

TEST(MetricsServer, ListensOnIpv6) {
  const FileDescriptor any(socket(AF_INET6, SOCK_STREAM, 0));
  const sockaddr_in6 here = {
      .sin6_family = AF_INET6, .sin6_port = 0, .sin6_flowinfo = 0, .sin6_addr = in6addr_loopback, .sin6_scope_id = 0};
  if (bind(any.get(), reinterpret_cast<const sockaddr*>(&here), sizeof(here)) != 0) GTEST_SKIP() << "there is no IPv6";
  const auto loopback = MetricsServer::Start("[::1]:0", "p", Nothing);
  ASSERT_TRUE(loopback.ok()) << loopback.status();
  EXPECT_TRUE((*loopback)->address().starts_with("[::1]:")) << (*loopback)->address();
  EXPECT_THAT(Ask(Connect("::1", **loopback), kGet), ::testing::HasSubstr("understudy_build_info{"));
  const auto all = MetricsServer::Start("[::]:0", "p", Nothing);
  ASSERT_TRUE(all.ok()) << all.status();
  for (const char* ip : {"::1", "127.0.0.1"}) {
    EXPECT_THAT(Ask(Connect(ip, **all), kGet), ::testing::StartsWith("HTTP/1.1 200 OK\r\n")) << ip;
  }
}

TEST(MetricsServer, SaysWhatIsWrongWithARequest) {
  const auto server = *MetricsServer::Start("0", "p", Nothing);
  const std::vector<std::pair<std::string, std::string>> cases = {{"GET / HTTP/1.1\r\n\r\n", "404"},
                                                                  {"GET /metrics?x=1 HTTP/1.0\r\n\r\n", "200"},
                                                                  {"POST /metrics HTTP/1.1\r\n\r\n", "405"},
                                                                  {"rubbish\r\n\r\n", "400"},
                                                                  {"\r\n\r\n", "400"},
                                                                  {"GET /metrics\r\n\r\n", "400"},
                                                                  {std::string(10'000, 'x'), "431"}};
  for (const auto& [request, status] : cases) {
    EXPECT_THAT(Ask(Connect("127.0.0.1", *server), request), ::testing::StartsWith("HTTP/1.1 " + status)) << request;
  }
  const std::string head = Ask(Connect("127.0.0.1", *server), "HEAD /metrics HTTP/1.1\r\n\r\n");
  EXPECT_THAT(head, ::testing::AllOf(::testing::StartsWith("HTTP/1.1 200"), ::testing::EndsWith("\r\n\r\n")));
}

TEST(MetricsServer, AnswersBesideConnectionsThatSayNothing) {
  const auto server = *MetricsServer::Start("0", "p", Nothing);
  std::vector<FileDescriptor> silent;
  for (size_t i = 0; i + 1 < MetricsServer::kMostConnections; ++i) silent.push_back(Connect("127.0.0.1", *server));
  EXPECT_THAT(Ask(Connect("127.0.0.1", *server), kGet), ::testing::StartsWith("HTTP/1.1 200"));
}

TEST(MetricsServer, TakesARequestByteByByte) {
  const auto server = *MetricsServer::Start("0", "p", Nothing);
  const FileDescriptor fd = Connect("127.0.0.1", *server);
  for (const char c : std::string(kGet)) send(fd.get(), &c, 1, MSG_NOSIGNAL);
  EXPECT_THAT(Ask(fd, ""), ::testing::StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace understudy
