#include "common/rpc/reflection_limit.h"

#include <grpcpp/server_context.h>

#include <atomic>
#include <string_view>

namespace understudy {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

constexpr std::string_view kReflection = "/grpc.reflection.";

class Place final : public grpc::experimental::Interceptor {
 public:
  Place(std::atomic<int>& streams, ServerRpcInfo* call)
      : streams_(streams), call_(call), admitted_(++streams <= kMaxReflectionStreams) {}
  ~Place() override { --streams_; }

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

class Places final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  grpc::experimental::Interceptor* CreateServerInterceptor(ServerRpcInfo* call) override {
    const std::string_view method = call->method() == nullptr ? "" : call->method();
    return method.starts_with(kReflection) ? new Place(streams_, call) : nullptr;
  }

 private:
  std::atomic<int> streams_ = 0;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> LimitReflection() {
  return std::make_unique<Places>();
}

}  // namespace understudy
