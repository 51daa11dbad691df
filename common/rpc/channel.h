// The client side of gRPC: channels, the pauses between attempts, and the statuses of failed calls. Servers use the
// statuses and gRPC's log from here, too. All functions are thread-safe.
#ifndef UNDERSTUDY_COMMON_RPC_CHANNEL_H_
#define UNDERSTUDY_COMMON_RPC_CHANNEL_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/rpc/protocol.h"

namespace understudy {

// Checks an address to connect to: HOST:PORT or [IPV6]:PORT, with a port from 1 to 65535.
// INVALID_ARGUMENT: it is none. The message names it.
absl::Status ValidateAddress(const std::string& address);

// The longest pause between two attempts to connect or to call, so that a restarted peer is found again in well under a
// second. Attempts are cheap: a refused connection costs a few packets. 10,000 workers make some 40,000 attempts a
// second, spread by random pauses.
inline constexpr absl::Duration kLongestReconnectPause = absl::Milliseconds(300);

// Pauses that double from `first` up to `most`. Next returns a random part of the pause, between a half and the whole.
// Thread-compatible.
class Backoff {
 public:
  Backoff(absl::Duration first, absl::Duration most, uint32_t seed);
  absl::Duration Next();
  // Begins with `first` again. To be called after a success.
  void Reset();

 private:
  absl::Duration first_;
  absl::Duration most_;
  absl::Duration current_;
  std::minstd_rand random_;
};

// Makes a channel that connects when it is first used. Keepalive finds a dead peer within ten seconds, which is the
// lease of a worker. A broken channel connects again with pauses of at most kLongestReconnectPause, also while nobody
// calls. HTTP proxies of the environment are not used. `credentials` come from LoadClientCredentials; null: no TLS.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address,
                                           const std::shared_ptr<grpc::ChannelCredentials>& credentials = nullptr);

// Makes a channel with a connection of its own. Channels of MakeChannel to one address share a connection.
std::shared_ptr<grpc::Channel> MakeOwnChannel(const std::string& address,
                                              const std::shared_ptr<grpc::ChannelCredentials>& credentials = nullptr);

// Sets the deadline of a unary call.
void SetDeadline(grpc::ClientContext& context, absl::Duration timeout);

// The longest message of a status that is sent. It travels in the headers of HTTP/2, of which clients take 8 KiB, and
// each byte may need three there.
inline constexpr size_t kMaxStatusMessageBytes = 2048;

// Converts a status of gRPC. The codes of both kinds of status are the same numbers.
absl::Status FromGrpc(const grpc::Status& status);
// Converts a status to one of gRPC. Cuts a message that is longer than kMaxStatusMessageBytes, and ends it with "…";
// otherwise the peer would see an error of gRPC instead.
grpc::Status ToGrpc(const absl::Status& status);

// Rewrites the status of a call whose channel could not connect. Its message becomes the address, the reason in plain
// words, and, if TLS is the reason, what to do, because gRPC does not say that. `tls` says whether the channel has
// credentials. Every other status is returned as it is.
absl::Status ExplainConnecting(const absl::Status& status, bool tls);

// Sends gRPC's log messages to our log from now on: its errors as warnings, the others at level debug. A peer can cause
// an error with every connection, so at most one error in ten seconds is logged, with the number of those left out.
// Channels and servers call this themselves. Idempotent.
void TakeGrpcLog();

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_CHANNEL_H_
