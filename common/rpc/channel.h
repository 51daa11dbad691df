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

// A lazy channel with keepalive, our message limit, and reconnection from 50 ms on to at most 2 s. HTTP proxies of the
// environment are not used.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address);

// Sets the deadline of a unary call.
void SetDeadline(grpc::ClientContext& context, absl::Duration timeout);

// A status travels in the headers of HTTP/2, which clients take 8 KiB of, and each byte may need three there.
inline constexpr size_t kMaxStatusMessageBytes = 2048;

// Between the two kinds of status: codes are the same numbers. Messages longer than kMaxStatusMessageBytes, as those
// that repeat what a peer sent, are cut and end in "…": else the peer would see an error of gRPC's in their place.
absl::Status FromGrpc(const grpc::Status& status);
grpc::Status ToGrpc(const absl::Status& status);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_CHANNEL_H_
