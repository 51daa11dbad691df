#include "common/rpc/call_observer.h"

#include <chrono>
#include <string_view>
#include <utility>

#include "absl/strings/str_replace.h"

namespace understudy {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

constexpr std::string_view kOurs = "/understudy.v1.";

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

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> ObserveCalls(OnCall on_call) {
  return std::make_unique<CallTimers>(std::move(on_call));
}

}  // namespace understudy
