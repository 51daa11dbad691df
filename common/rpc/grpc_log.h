// What gRPC has to say goes into our log.
#ifndef UNDERSTUDY_COMMON_RPC_GRPC_LOG_H_
#define UNDERSTUDY_COMMON_RPC_GRPC_LOG_H_

namespace understudy {

// From now on its errors are warnings of ours, and the rest of it is for `debug`. A peer can make it complain as often
// as it connects, so at most one complaint in ten seconds is logged, and how many were not. Idempotent, thread-safe.
void TakeGrpcLog();

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_GRPC_LOG_H_
