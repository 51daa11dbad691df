// Tells how long a server's calls take.
#ifndef UNDERSTUDY_COMMON_RPC_CALL_OBSERVER_H_
#define UNDERSTUDY_COMMON_RPC_CALL_OBSERVER_H_

#include <grpcpp/support/server_interceptor.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace understudy {

// A call has ended: its method ("Experiments.Submit"), the code, and the time since it came. Called on gRPC's threads;
// must return soon.
using OnCall = std::function<void(const std::string& method, absl::StatusCode code, absl::Duration taken)>;

// For ServerBuilder. Calls that are streams in both directions live for as long as who made them, and are left out, as
// is watching; so are methods that are not of a service of ours.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> ObserveCalls(OnCall on_call);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_CALL_OBSERVER_H_
