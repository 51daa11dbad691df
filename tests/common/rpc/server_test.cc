#include "common/rpc/server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "common/process/mutex.h"
#include "common/rpc/address.h"
#include "common/rpc/channel.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/testing/fake_workers_service.h"

namespace understudy {
namespace {

using ::understudy::testing::FakeWorkersService;

// The code of a call that the service behind an address does not implement: it proves that a server answers.
absl::StatusCode Call(const std::string& address) {
  const auto stub = v1::Workers::NewStub(MakeChannel(address));
  grpc::ClientContext context;
  SetDeadline(context, absl::Seconds(10));
  v1::ListWorkersResponse response;
  return FromGrpc(stub->List(&context, {}, &response)).code();
}

TEST(RpcServer, ServesOnAFreePortAndSaysWhich) {
  FakeWorkersService service;
  for (const char* listen : {"127.0.0.1:0", "localhost:0"}) {
    const auto server = RpcServer::Start({.listen = listen}, {&service});
    ASSERT_TRUE(server.ok()) << server.status();
    const auto address = ParseAddress((*server)->address());
    ASSERT_TRUE(address.ok());
    EXPECT_GT(address->port, 0);
    EXPECT_EQ(Call((*server)->address()), absl::StatusCode::kUnimplemented);
  }
}

// What gRPC's health service says of a service, or the code of its error.
std::string Health(const std::string& address, const std::string& service) {
  const auto channel = MakeChannel(address);
  const auto stub = grpc::health::v1::Health::NewStub(channel);
  grpc::ClientContext context;
  SetDeadline(context, absl::Seconds(10));
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  grpc::health::v1::HealthCheckResponse response;
  const absl::Status status = FromGrpc(stub->Check(&context, request, &response));
  if (!status.ok()) return absl::StatusCodeToString(status.code());
  return grpc::health::v1::HealthCheckResponse::ServingStatus_Name(response.status());
}

TEST(RpcServer, AnswersHealthChecksForItselfAndItsServicesUntilItsEndIsAnnounced) {
  FakeWorkersService service;
  const auto server = RpcServer::Start({}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  const std::string& address = (*server)->address();
  EXPECT_EQ(Health(address, ""), "SERVING");
  EXPECT_EQ(Health(address, "understudy.v1.Workers"), "NOT_FOUND");
  (*server)->AnnounceServices({"understudy.v1.Workers"});
  EXPECT_EQ(Health(address, "understudy.v1.Workers"), "SERVING");
  (*server)->AnnounceEnd();
  EXPECT_EQ(Health(address, ""), "NOT_SERVING");
  EXPECT_EQ(Health(address, "understudy.v1.Workers"), "NOT_SERVING");
  EXPECT_EQ(Call(address), absl::StatusCode::kUnimplemented) << "calls are still taken";
}

TEST(RpcServer, TellsOfEveryCallWhenItHasEnded) {
  Mutex mutex;
  CondVar changed;
  std::vector<std::string> calls;
  FakeWorkersService service;
  ServerOptions options;
  options.on_call = [&](const std::string& method, absl::StatusCode code, absl::Duration taken) {
    MutexLock lock(mutex);
    EXPECT_GE(taken, absl::ZeroDuration());
    calls.push_back(method + " " + absl::StatusCodeToString(code));
    changed.NotifyAll();
  };
  const auto server = RpcServer::Start(options, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  Health((*server)->address(), "");  // none of ours
  EXPECT_EQ(Call((*server)->address()), absl::StatusCode::kUnimplemented);
  MutexLock lock(mutex);
  while (calls.empty()) changed.Wait(mutex);
  EXPECT_EQ(calls, std::vector<std::string>{"Workers.List UNIMPLEMENTED"});
}

TEST(RpcServer, RefusesAPortInUseAndNamesIt) {
  FakeWorkersService service;
  const auto first = RpcServer::Start({}, {&service});
  ASSERT_TRUE(first.ok()) << first.status();
  FakeWorkersService other;
  const auto second = RpcServer::Start({.listen = (*first)->address()}, {&other});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(second.status().message(), "cannot listen on " + (*first)->address() + ": Address already in use");
}

TEST(RpcServer, ListensBeyondLoopbackOnlyWhenToldSo) {
  FakeWorkersService service;
  const auto refused = RpcServer::Start({.listen = "0.0.0.0:0"}, {&service});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_NE(refused.status().message().find("--insecure"), absl::string_view::npos) << refused.status();
  const auto allowed = RpcServer::Start({.listen = "0.0.0.0:0", .insecure = true}, {&service});
  EXPECT_TRUE(allowed.ok()) << allowed.status();
}

TEST(RpcServer, RefusesWhatIsNoAddress) {
  EXPECT_EQ(RpcServer::Start({.listen = "localhost"}, {}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(RpcServer, FreesItsPortOnShutdown) {
  FakeWorkersService service;
  auto first = RpcServer::Start({}, {&service});
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string address = (*first)->address();
  (*first)->Shutdown();
  (*first)->Shutdown();
  FakeWorkersService other;
  EXPECT_TRUE(RpcServer::Start({.listen = address}, {&other}).ok());
}

// Keeps its callers until a number of them are there.
class SlowService final : public v1::Workers::Service {
 public:
  explicit SlowService(int callers) : missing_(callers) {}

  grpc::Status List(grpc::ServerContext*, const v1::ListWorkersRequest*, v1::ListWorkersResponse*) override {
    MutexLock lock(mutex_);
    --missing_;
    changed_.NotifyAll();
    while (missing_ > 0) changed_.Wait(mutex_);
    return grpc::Status::OK;
  }

  void LetAllGo() {
    MutexLock lock(mutex_);
    missing_ = 0;
    changed_.NotifyAll();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int missing_ ABSL_GUARDED_BY(mutex_);
};

TEST(RpcServer, AnswersAHundredSlowCallsAtOnce) {
  constexpr int kCallers = 100;
  SlowService service(kCallers);
  const auto server = RpcServer::Start({}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  std::atomic<int> refused = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&] {
      if (Call((*server)->address()) == absl::StatusCode::kOk) return;
      ++refused;
      service.LetAllGo();
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(refused, 0);
}

}  // namespace
}  // namespace understudy
