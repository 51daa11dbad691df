#include "common/rpc/channel.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace understudy {
namespace {

TEST(Backoff, DoublesUpToItsLongestAndStaysWithinHalfOfIt) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    Backoff backoff(absl::Milliseconds(50), absl::Milliseconds(300), seed);
    for (const int most_ms : {50, 100, 200, 300, 300, 300}) {
      const absl::Duration wait = backoff.Next();
      EXPECT_GE(wait, absl::Milliseconds(most_ms) / 2);
      EXPECT_LE(wait, absl::Milliseconds(most_ms));
    }
  }
}

TEST(Backoff, BeginsAgainAfterASuccess) {
  Backoff backoff(absl::Milliseconds(10), absl::Seconds(10), 1);
  for (int i = 0; i < 8; ++i) backoff.Next();
  backoff.Reset();
  EXPECT_LE(backoff.Next(), absl::Milliseconds(10));
}

TEST(Backoff, DiffersFromSeedToSeed) {
  Backoff one(absl::Seconds(1), absl::Seconds(1), 1);
  Backoff other(absl::Seconds(1), absl::Seconds(1), 2);
  EXPECT_NE(one.Next(), other.Next());
}

TEST(StatusConversion, KeepsCodeAndMessageInBothDirections) {
  const grpc::Status status = ToGrpc(absl::FailedPreconditionError("not yet"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(status.error_message(), "not yet");
  const absl::Status back = FromGrpc(grpc::Status(grpc::StatusCode::DATA_LOSS, "torn"));
  EXPECT_EQ(back.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(back.message(), "torn");
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
  EXPECT_TRUE(FromGrpc(grpc::Status::OK).ok());
}

TEST(StatusConversion, CutsLongMessagesBetweenCharacters) {
  // An odd byte, then characters of two bytes each: the limit is in the middle of one.
  std::string message = "x";
  while (message.size() < 3 * kMaxStatusMessageBytes) message.append("é");
  const std::string cut = ToGrpc(absl::InternalError(message)).error_message();
  EXPECT_EQ(cut, message.substr(0, kMaxStatusMessageBytes - 1) + "…");
  const std::string longest(kMaxStatusMessageBytes, 'x');
  EXPECT_EQ(ToGrpc(absl::InternalError(longest)).error_message(), longest);
}

// What gRPC 1.51 says, and what becomes of it, with TLS and without.
std::string Explained(const std::string& grpc_says, bool tls) {
  return std::string(ExplainConnecting(absl::UnavailableError(grpc_says), tls).message());
}

TEST(ExplainConnecting, SaysWhereAndWhyInPlainWords) {
  const std::string begin = "failed to connect to all addresses; last error: ";
  EXPECT_EQ(
      Explained(begin + "UNKNOWN: ipv4:127.0.0.1:45003: Failed to connect to remote host: Connection refused", false),
      "127.0.0.1:45003: Connection refused");
  EXPECT_EQ(Explained(begin + "UNKNOWN: ipv6:[::1]:45003: Failed to connect to remote host: Connection refused", true),
            "[::1]:45003: Connection refused");
  EXPECT_EQ(Explained(begin + "UNKNOWN: ipv4:10.0.0.1:7: connection attempt timed out before receiving SETTINGS frame",
                      false),
            "10.0.0.1:7: it does not answer");
  EXPECT_EQ(Explained(begin + "UNKNOWN: ipv4:10.0.0.1:7: tcp handshaker shutdown", false),
            "10.0.0.1:7: it does not answer");
  EXPECT_EQ(Explained(begin + "INTERNAL: ipv4:10.0.0.1:7: Trying to connect an http1.x server", false),
            "10.0.0.1:7: Trying to connect an http1.x server");
}

TEST(ExplainConnecting, LeavesEverythingElseAsItIs) {
  for (const char* text : {"Socket closed", "DNS resolution failed for nobody.invalid:1: not found", "",
                           "last error: ", "failed to connect to all addresses"}) {
    EXPECT_EQ(Explained(text, true), text);
  }
  const absl::Status other = absl::InternalError("failed to connect to all addresses; last error: x");
  EXPECT_EQ(ExplainConnecting(other, true), other);
}

TEST(ValidateAddress, WantsAPortThatSomebodyCanListenOn) {
  EXPECT_TRUE(ValidateAddress("127.0.0.1:1").ok());
  EXPECT_TRUE(ValidateAddress("[::1]:65535").ok());
  EXPECT_EQ(ValidateAddress("127.0.0.1:65536").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ValidateAddress("127.0.0.1:0").message(),
            "address '127.0.0.1:0': nobody listens on port 0, expected one from 1 to 65535");
}

TEST(MakeChannel, ConnectsOnlyWhenItIsUsed) {
  EXPECT_EQ(MakeChannel("127.0.0.1:1")->GetState(/*try_to_connect=*/false), GRPC_CHANNEL_IDLE);
}

// Speaks as much HTTP/2 as it takes to be connected to. No gRPC: that would look after the sockets of this whole
// process.
class BareServer {
 public:
  BareServer() : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { Serve(); });
  }
  ~BareServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }

  const std::string& address() const { return address_; }

 private:
  void Serve() {
    constexpr char kEmptySettings[9] = {0, 0, 0, /*SETTINGS*/ 4, 0, 0, 0, 0, 0};
    std::vector<int> connections;
    while (true) {
      const int connection = accept(listener_, nullptr, nullptr);
      if (connection < 0) break;
      EXPECT_EQ(write(connection, kEmptySettings, sizeof(kEmptySettings)), sizeof(kEmptySettings));
      connections.push_back(connection);
    }
    for (const int connection : connections) close(connection);
  }

  const int listener_;
  std::string address_;
  std::thread thread_;
};

TEST(MakeChannel, ConnectsWhileNobodyWaitsForACall) {
  const BareServer server;
  const absl::Time start = absl::Now();
  for (int round = 0; round < 3; ++round) {
    const auto channel = MakeChannel(server.address());
    // Waiting for the channel would look after its socket, and so connect it: only asking does not.
    while (channel->GetState(/*try_to_connect=*/true) != GRPC_CHANNEL_READY && absl::Now() - start < absl::Minutes(1)) {
      absl::SleepFor(absl::Milliseconds(10));
    }
  }
  // Some 0.1 s each; 5 s where gRPC looks as rarely as it does by itself.
  EXPECT_LT(absl::Now() - start, absl::Seconds(8));
}

}  // namespace
}  // namespace understudy
