// Server side: one listening gRPC server.
#ifndef UNDERSTUDY_COMMON_RPC_SERVER_H_
#define UNDERSTUDY_COMMON_RPC_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/rpc/call_observer.h"
#include "common/security/access_control.h"

namespace understudy {

struct ServerOptions {
  std::string listen = "127.0.0.1:0";  // port 0: any free one
  // TLS, and roles of callers; null: nothing is encrypted or authenticated.
  std::shared_ptr<AccessControl> access = nullptr;
  // Allows an address that is not loopback without it.
  bool insecure = false;
  // Hears of every call; empty: none is measured.
  OnCall on_call = nullptr;
};

// Thread-safe. Shuts down when destroyed. Besides the services there are gRPC's for health and reflection. Bounds, for
// the whole server: 1,024 threads of synchronous handlers, 1 GiB of received bytes that nobody has taken; for a
// connection: 1,024 streams, 10 s to begin to speak HTTP/2, 5 minutes without a call. Connections are bounded by the
// process's hard limit of open files, to which Start raises the soft one.
class RpcServer {
 public:
  // The services must outlive it. A host name that has several addresses is served on the first, IPv4 before IPv6.
  // INVALID_ARGUMENT: not HOST:PORT. PERMISSION_DENIED: not loopback, without TLS and not `insecure`, saying what to
  // do. UNAVAILABLE: the port is in use or cannot be bound, naming the address.
  static absl::StatusOr<std::unique_ptr<RpcServer>> Start(const ServerOptions& options,
                                                          const std::vector<grpc::Service*>& services);
  ~RpcServer();
  RpcServer(const RpcServer&) = delete;
  RpcServer& operator=(const RpcServer&) = delete;

  // gRPC's health service, which answers for the server as a whole, answers for these services, too: they serve.
  void AnnounceServices(const std::vector<std::string>& names);
  // From now on it answers that nothing serves: clients and load balancers are to go elsewhere. Calls are still taken.
  void AnnounceEnd();

  // Where it listens: the host as given, with the real port.
  const std::string& address() const { return address_; }

  // No new calls; cancels those still running after 200 ms. Returns when all have ended. Idempotent.
  void Shutdown();

 private:
  RpcServer(std::unique_ptr<grpc::Server> server, std::string address);
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_SERVER_H_
