// Keeps gRPC's reflection service from taking all threads of a server.
#ifndef UNDERSTUDY_COMMON_RPC_REFLECTION_LIMIT_H_
#define UNDERSTUDY_COMMON_RPC_REFLECTION_LIMIT_H_

#include <grpcpp/support/server_interceptor.h>

#include <memory>

namespace understudy {

// The most streams of reflection at a time. Each holds one of the server's threads for as long as its caller likes, and
// people who look around need few.
inline constexpr int kMaxReflectionStreams = 16;

// Makes an interceptor for one server. It cancels every stream of reflection beyond kMaxReflectionStreams at a time.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> LimitReflection();

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_REFLECTION_LIMIT_H_
