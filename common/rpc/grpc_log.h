// Sends gRPC's log messages to our log.
#ifndef UNDERSTUDY_COMMON_RPC_GRPC_LOG_H_
#define UNDERSTUDY_COMMON_RPC_GRPC_LOG_H_

namespace understudy {

// From now on gRPC's errors are logged as warnings, and its other messages at level debug. A peer can cause an error
// with every connection, so at most one error in ten seconds is logged, with the number of those left out. Idempotent;
// thread-safe.
void TakeGrpcLog();

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_GRPC_LOG_H_
