// Measures how long a server's calls take.
#ifndef UNDERSTUDY_COMMON_RPC_CALL_OBSERVER_H_
#define UNDERSTUDY_COMMON_RPC_CALL_OBSERVER_H_

#include <grpcpp/support/server_interceptor.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace understudy {

// Called when a call has ended, with its method ("Experiments.Submit"), its status code, and the time that it took.
// Runs on gRPC's threads, and must return soon.
using OnCall = std::function<void(const std::string& method, absl::StatusCode code, absl::Duration taken)>;

// Makes an interceptor for ServerBuilder. It leaves out streams in both directions and watching, because these last for
// as long as their callers like. It also leaves out methods of services that are not ours.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> ObserveCalls(OnCall on_call);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_CALL_OBSERVER_H_
