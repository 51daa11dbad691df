// A gRPC server that listens on one address.
#ifndef UNDERSTUDY_COMMON_RPC_SERVER_H_
#define UNDERSTUDY_COMMON_RPC_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/security/access_control.h"

namespace understudy {

// Called when a call has ended, with its method ("Experiments.Submit"), its status code, and the time that it took.
// Runs on gRPC's threads, and must return soon.
using OnCall = std::function<void(const std::string& method, absl::StatusCode code, absl::Duration taken)>;

struct ServerOptions {
  std::string listen = "127.0.0.1:0";  // port 0: any free one
  // TLS and the roles of callers. null: nothing is encrypted or authenticated.
  std::shared_ptr<AccessControl> access = nullptr;
  // Allows the server to listen without `access` on an address that is not loopback.
  bool insecure = false;
  // Called after every call to a service of ours, for metrics; may be empty. Streams in both directions and watching
  // are left out, because they last for as long as their callers like.
  OnCall on_call = nullptr;
};

// A server that also serves gRPC's services for health and reflection. It shuts down when destroyed. Thread-safe.
// Bounds of the whole server: 1,024 threads of synchronous handlers; 1 GiB of received bytes that no handler has taken.
// Bounds of a connection: 1,024 streams; 10 s until it speaks HTTP/2; 5 minutes without a call.
// The number of connections is bounded by the process's hard limit of open files, to which Start raises the soft one.
class RpcServer {
 public:
  // Begins to listen. The services must outlive the server. If a host name has several addresses, the server listens on
  // the one that ResolveHost prefers.
  // INVALID_ARGUMENT: the address is not HOST:PORT.
  // PERMISSION_DENIED: it is not loopback, and there is neither TLS nor `insecure`. The message says what to do.
  // UNAVAILABLE: the address, which the message names, cannot be bound.
  static absl::StatusOr<std::unique_ptr<RpcServer>> Start(const ServerOptions& options,
                                                          const std::vector<grpc::Service*>& services);
  ~RpcServer();
  RpcServer(const RpcServer&) = delete;
  RpcServer& operator=(const RpcServer&) = delete;

  // Makes gRPC's health service say that these services serve, too.
  void AnnounceServices(const std::vector<std::string>& names);
  // Makes the health service say that nothing serves, so that clients and load balancers go elsewhere. Calls are still
  // taken.
  void AnnounceEnd();

  // Returns the address that it listens on: the host as given, with the real port.
  const std::string& address() const { return address_; }

  // Takes no further calls, cancels those that still run after 200 ms, and waits until all have ended. Idempotent.
  void Shutdown();

 private:
  RpcServer(std::unique_ptr<grpc::Server> server, std::string address);
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_SERVER_H_
