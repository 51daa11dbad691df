// Client side: channels, and what a failed call becomes. Thread-safe.
#ifndef UNDERSTUDY_COMMON_RPC_CHANNEL_H_
#define UNDERSTUDY_COMMON_RPC_CHANNEL_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/rpc/protocol.h"

namespace understudy {

// Of somebody to connect to: HOST:PORT or [IPV6]:PORT, port 1 … 65535. INVALID_ARGUMENT names the text.
absl::Status ValidateAddress(const std::string& address);

// The longest pause between two attempts to reach somebody, of channels and of whoever calls through them: a restarted
// peer is found again in well under a second. It is cheap, as a refused connection costs a few packets: 10,000 workers
// make some 40,000 attempts a second, spread by jitter.
inline constexpr absl::Duration kLongestReconnectPause = absl::Milliseconds(300);

// A lazy channel with our message limit, keepalive that finds a dead peer within ten seconds, the lease of a worker,
// and reconnection with pauses of at most kLongestReconnectPause, also while nobody calls. HTTP
// proxies of the environment are not used. `credentials`: LoadClientCredentials's; null: no TLS.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address,
                                           const std::shared_ptr<grpc::ChannelCredentials>& credentials = nullptr);

// The same with a connection of its own: other channels to one address share theirs.
std::shared_ptr<grpc::Channel> MakeOwnChannel(const std::string& address,
                                              const std::shared_ptr<grpc::ChannelCredentials>& credentials = nullptr);

// Sets the deadline of a unary call.
void SetDeadline(grpc::ClientContext& context, absl::Duration timeout);

// A status travels in the headers of HTTP/2, which clients take 8 KiB of, and each byte may need three there.
inline constexpr size_t kMaxStatusMessageBytes = 2048;

// Between the two kinds of status: codes are the same numbers. Messages longer than kMaxStatusMessageBytes, as those
// that repeat what a peer sent, are cut and end in "…": else the peer would see an error of gRPC's in their place.
absl::Status FromGrpc(const grpc::Status& status);
grpc::Status ToGrpc(const absl::Status& status);

// Rewrites the status of a call whose channel could not connect: its message becomes the address, the reason in plain
// words, and what to do where TLS is the reason, as gRPC does not say that. `tls`: the channel has credentials. Every
// other status is returned as it is.
absl::Status ExplainConnecting(const absl::Status& status, bool tls);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_CHANNEL_H_
