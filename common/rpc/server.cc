#include "common/rpc/server.h"

#include <google/protobuf/stubs/logging.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/support/server_interceptor.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "common/process/process.h"
#include "common/rpc/address.h"
#include "common/rpc/channel.h"
#include "common/rpc/protocol.h"

namespace understudy {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

// How the methods of our services, and those of reflection, begin.
constexpr std::string_view kOurs = "/understudy.v1.";
constexpr std::string_view kReflection = "/grpc.reflection.";

constexpr int kMaxStreamsPerConnection = 1024;
// Of synchronous handlers: bounds memory. gRPC refuses callers beyond with RESOURCE_EXHAUSTED, so no honest load may
// come near it. Streams that live long are reactors and need none.
constexpr int kMaxThreads = 1024;
// Of reflection: each of its streams holds a thread for as long as its caller likes, and people who look around need
// few.
constexpr int kMaxReflectionStreams = 16;
// Of what has been received and not yet been taken; beyond it gRPC cancels streams and closes connections that are
// idle. A sender may stop in the middle of the largest message on every stream that it has.
constexpr size_t kMaxBufferedBytes = size_t{1} << 30;
// For a new connection to begin to speak HTTP/2.
constexpr int kHandshakeTimeoutMs = 10'000;
// For a connection without calls. Clients connect again by themselves when they have something to say.
constexpr int kMaxConnectionIdleMs = 5 * 60 * 1000;
// Calls are over in milliseconds, and streams never end by themselves.
constexpr absl::Duration kDrain = absl::Milliseconds(200);

void Configure(grpc::ServerBuilder& builder) {
  grpc::ResourceQuota quota("understudy");
  quota.SetMaxThreads(kMaxThreads);
  quota.Resize(kMaxBufferedBytes);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  // Two servers on one port would share its connections at random.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kMaxConnectionIdleMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Clients ping every five seconds, also while a message of ours keeps them waiting.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 2'500);
}

absl::Status CannotListen(const std::string& address, int error) {
  return absl::UnavailableError(absl::StrCat("cannot listen on ", address, ": ", std::strerror(error)));
}

// Whether the address can be bound: gRPC would only log why it cannot.
absl::Status TryToBind(const std::string& ip, int port, const std::string& address) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(ip.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    return CannotListen(address, EADDRNOTAVAIL);
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  const int probe = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
  if (probe < 0) return CannotListen(address, errno);
  const int yes = 1;
  setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  const int error = bind(probe, found->ai_addr, found->ai_addrlen) == 0 ? 0 : errno;
  close(probe);
  return error == 0 ? absl::OkStatus() : CannotListen(address, error);
}

// Measures one call.
class CallTimer final : public grpc::experimental::Interceptor {
 public:
  CallTimer(std::string method, const OnCall& on_call) : method_(std::move(method)), on_call_(on_call) {}

  // Also of calls that were cancelled before there was a status to send.
  ~CallTimer() override { on_call_(method_, code_, absl::FromChrono(std::chrono::steady_clock::now() - begin_)); }

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      code_ = static_cast<absl::StatusCode>(methods->GetSendStatus().error_code());
    }
    methods->Proceed();
  }

 private:
  const std::string method_;
  const OnCall& on_call_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  absl::StatusCode code_ = absl::StatusCode::kCancelled;
};

class CallTimers final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit CallTimers(OnCall on_call) : on_call_(std::move(on_call)) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(ServerRpcInfo* call) override {
    const std::string_view method = call->method() == nullptr ? "" : call->method();
    const bool measured =
        method.starts_with(kOurs) && call->type() != ServerRpcInfo::Type::BIDI_STREAMING && !method.ends_with("/Watch");
    if (!measured) return nullptr;
    return new CallTimer(absl::StrReplaceAll(std::string(method.substr(kOurs.size())), {{"/", "."}}), on_call_);
  }

 private:
  const OnCall on_call_;
};

// Holds one stream's place among those of reflection, and cancels a stream that has none.
class ReflectionPlace final : public grpc::experimental::Interceptor {
 public:
  ReflectionPlace(std::atomic<int>& streams, ServerRpcInfo* call)
      : streams_(streams), call_(call), admitted_(++streams <= kMaxReflectionStreams) {}
  ~ReflectionPlace() override { --streams_; }

  void Intercept(InterceptorBatchMethods* methods) override {
    // Before the handler begins, which then reads nothing and returns.
    if (!admitted_ && methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_INITIAL_METADATA)) {
      call_->server_context()->TryCancel();
    }
    methods->Proceed();
  }

 private:
  std::atomic<int>& streams_;
  ServerRpcInfo* const call_;
  const bool admitted_;
};

class ReflectionPlaces final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  grpc::experimental::Interceptor* CreateServerInterceptor(ServerRpcInfo* call) override {
    const std::string_view method = call->method() == nullptr ? "" : call->method();
    return method.starts_with(kReflection) ? new ReflectionPlace(streams_, call) : nullptr;
  }

 private:
  std::atomic<int> streams_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(const ServerOptions& options,
                                                            const std::vector<grpc::Service*>& services) {
  const auto address = ParseAddress(options.listen);
  if (!address.ok()) return address.status();
  const auto host = ResolveHost(address->host);
  if (!host.ok()) return host.status();
  if (!host->loopback && options.access == nullptr && !options.insecure) {
    return absl::PermissionDeniedError(absl::StrCat(
        "refusing to listen on ", options.listen,
        ": it is not a loopback address, and without TLS connections are neither encrypted nor ",
        "authenticated; give --tls_dir DIR (deploy/tls/make-certificates makes one), listen on 127.0.0.1, ",
        "or pass --insecure on a network that you trust"));
  }
  if (absl::Status status = TryToBind(host->ip, address->port, options.listen); !status.ok()) return status;
  RaiseOpenFileLimit();
  TakeGrpcLog();
  // It would write a line for every message that a peer malforms.
  google::protobuf::SetLogHandler(nullptr);
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  Configure(builder);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(std::make_unique<ReflectionPlaces>());
  if (options.on_call) interceptors.push_back(std::make_unique<CallTimers>(options.on_call));
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  int port = 0;
  const auto credentials =
      options.access == nullptr ? grpc::InsecureServerCredentials() : AccessControl::MakeCredentials(options.access);
  builder.AddListeningPort(FormatAddress(host->ip, address->port), credentials, &port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port <= 0) {
    return CannotListen(options.listen, EADDRINUSE);
  }
  return std::unique_ptr<RpcServer>(new RpcServer(std::move(server), FormatAddress(address->host, port)));
}

RpcServer::RpcServer(std::unique_ptr<grpc::Server> server, std::string address)
    : server_(std::move(server)), address_(std::move(address)) {}

RpcServer::~RpcServer() { Shutdown(); }

void RpcServer::AnnounceServices(const std::vector<std::string>& names) {
  for (const std::string& name : names) server_->GetHealthCheckService()->SetServingStatus(name, true);
}

void RpcServer::AnnounceEnd() { server_->GetHealthCheckService()->Shutdown(); }

void RpcServer::Shutdown() { server_->Shutdown(absl::ToChronoTime(absl::Now() + kDrain)); }

}  // namespace understudy
