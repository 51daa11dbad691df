#include "common/rpc/server.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/rpc/address.h"
#include "common/rpc/protocol.h"

namespace understudy {
namespace {

constexpr int kMaxStreamsPerConnection = 1024;

void Configure(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  // Two servers on one port would share its connections at random.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Clients ping every ten seconds, also while a message of ours keeps them waiting.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
}

}  // namespace

absl::StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(const ServerOptions& options,
                                                            const std::vector<grpc::Service*>& services) {
  const auto address = ParseAddress(options.listen);
  if (!address.ok()) return address.status();
  const auto host = ResolveHost(address->host);
  if (!host.ok()) return host.status();
  if (!host->loopback && !options.insecure) {
    return absl::PermissionDeniedError(
        absl::StrCat("refusing to listen on ", options.listen,
                     ": it is not a loopback address and connections are neither encrypted ",
                     "nor authenticated; listen on 127.0.0.1, or pass --insecure on a network that you trust"));
  }
  grpc::ServerBuilder builder;
  Configure(builder);
  int port = 0;
  builder.AddListeningPort(FormatAddress(host->ip, address->port), grpc::InsecureServerCredentials(), &port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port <= 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", options.listen, ": the port is in use or may not be bound"));
  }
  return std::unique_ptr<RpcServer>(new RpcServer(std::move(server), FormatAddress(address->host, port)));
}

RpcServer::RpcServer(std::unique_ptr<grpc::Server> server, std::string address)
    : server_(std::move(server)), address_(std::move(address)) {}

RpcServer::~RpcServer() { Shutdown(); }

void RpcServer::Shutdown() { server_->Shutdown(absl::ToChronoTime(absl::Now() + absl::Seconds(1))); }

}  // namespace understudy
