#include "common/rpc/stream_guard.h"

#include <gtest/gtest.h>

#include <memory>

#include "absl/time/clock.h"
#include "common/process/mutex.h"
#include "common/rpc/channel.h"
#include "common/rpc/server.h"
#include "understudy/v1/workers.grpc.pb.h"

namespace understudy {
namespace {

// Takes whatever workers send; at most two at a time.
class GuardedService final : public v1::Workers::Service {
 public:
  explicit GuardedService(absl::Duration patience, absl::Duration longest = absl::InfiniteDuration())
      : patience_(patience), longest_(longest) {}

  grpc::Status Attach(grpc::ServerContext* context,
                      grpc::ServerReaderWriter<v1::Assignment, v1::WorkerMessage>* stream) override {
    StreamGuard guard(limit_, *context, patience_, longest_);
    absl::Status status = guard.Admission();
    v1::WorkerMessage message;
    if (status.ok()) stream->Write({});  // tells the worker that it is in
    while (status.ok() && guard.Do([&] { return stream->Read(&message); })) {
    }
    status.Update(guard.Patience());
    MutexLock lock(mutex_);
    last_ = status;
    return ToGrpc(status);
  }

  absl::Status last() {
    MutexLock lock(mutex_);
    return last_;
  }

 private:
  const absl::Duration patience_;
  const absl::Duration longest_;
  StreamLimit limit_{2};
  Mutex mutex_;
  absl::Status last_ ABSL_GUARDED_BY(mutex_);
};

struct Client {
  explicit Client(const RpcServer& server) : stub(v1::Workers::NewStub(MakeChannel(server.address()))) {
    SetDeadline(context, absl::Seconds(60));
    stream = stub->Attach(&context);
  }
  bool IsIn() {
    v1::Assignment assignment;
    return stream->Read(&assignment);
  }
  absl::Status Finish() {
    stream->WritesDone();
    return FromGrpc(stream->Finish());
  }

  std::unique_ptr<v1::Workers::Stub> stub;
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReaderWriter<v1::WorkerMessage, v1::Assignment>> stream;
};

TEST(StreamGuard, RefusesMoreThanTheLimitUntilOneHasEnded) {
  GuardedService service(absl::Minutes(10));
  const auto server = RpcServer::Start({}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  Client first(**server);
  Client second(**server);
  ASSERT_TRUE(first.IsIn());
  ASSERT_TRUE(second.IsIn());
  EXPECT_TRUE(absl::IsUnavailable(Client(**server).Finish()));
  EXPECT_TRUE(first.Finish().ok());
  Client third(**server);
  EXPECT_TRUE(third.IsIn());
  EXPECT_TRUE(third.Finish().ok());
  EXPECT_TRUE(second.Finish().ok());
}

TEST(StreamGuard, BoundsWhatAllCallsKeepTogetherWhileTheyLast) {
  StreamLimit limit(10, 100);
  grpc::ServerContext context;
  StreamGuard first(limit, context, absl::Minutes(1));
  EXPECT_TRUE(first.Keep(60).ok());
  {
    StreamGuard second(limit, context, absl::Minutes(1));
    EXPECT_TRUE(second.Keep(40).ok());
    EXPECT_TRUE(absl::IsUnavailable(second.Keep(1)));
  }
  EXPECT_TRUE(first.Keep(40).ok());
}

TEST(StreamGuard, EndsACallThatMakesNoStep) {
  GuardedService service(absl::Milliseconds(50));
  const auto server = RpcServer::Start({}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  Client idle(**server);
  ASSERT_TRUE(idle.IsIn());
  EXPECT_FALSE(idle.IsIn());  // nothing more comes; the server ends the stream
  EXPECT_TRUE(absl::IsCancelled(FromGrpc(idle.stream->Finish())));
  (*server)->Shutdown();
  EXPECT_TRUE(absl::IsDeadlineExceeded(service.last())) << service.last();
}

TEST(StreamGuard, EndsACallThatLastsTooLongWhateverItsSteps) {
  GuardedService service(absl::Seconds(30), absl::Milliseconds(200));
  const auto server = RpcServer::Start({}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  Client busy(**server);
  ASSERT_TRUE(busy.IsIn());
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (busy.stream->Write({}) && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(5));
  EXPECT_TRUE(absl::IsCancelled(FromGrpc(busy.stream->Finish())));
  (*server)->Shutdown();
  EXPECT_EQ(service.last(), absl::DeadlineExceededError("the stream lasted longer than 200ms"));
}

TEST(StreamGuard, EndsASilentCallOnceItLastsTooLong) {
  GuardedService service(absl::Seconds(30), absl::Milliseconds(50));
  const auto server = RpcServer::Start({}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  Client idle(**server);
  ASSERT_TRUE(idle.IsIn());
  EXPECT_FALSE(idle.IsIn());
  EXPECT_TRUE(absl::IsCancelled(FromGrpc(idle.stream->Finish())));
  (*server)->Shutdown();
  EXPECT_EQ(service.last(), absl::DeadlineExceededError("the stream lasted longer than 50ms"));
}

TEST(StreamGuard, LetsACallTakeAnyNumberOfSteps) {
  GuardedService service(absl::Seconds(30));
  const auto server = RpcServer::Start({}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  Client busy(**server);
  ASSERT_TRUE(busy.IsIn());
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(busy.stream->Write({}));
  EXPECT_TRUE(busy.Finish().ok());
}

}  // namespace
}  // namespace understudy
