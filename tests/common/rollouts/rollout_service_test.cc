#include "common/rollouts/rollout_service.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/process/mutex.h"
#include "common/rpc/channel.h"
#include "common/rpc/server.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

v1::SinkMessage Parsed(grpc::ByteBuffer frame) {
  v1::SinkMessage message;
  EXPECT_TRUE(grpc::SerializationTraits<v1::SinkMessage>::Deserialize(&frame, &message).ok());
  return message;
}

void ExpectFramesAreChunks(const std::shared_ptr<const PolicySnapshot>& snapshot) {
  for (size_t index = 0; index < CountChunks(*snapshot); ++index) {
    v1::SinkMessage expected;
    *expected.mutable_policy() = MakeChunk(*snapshot, index);
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(Parsed(MakePolicyFrame(snapshot, index)), expected))
        << index;
  }
}

TEST(MakePolicyFrame, MakesTheChunksOfASnapshot) {
  ExpectFramesAreChunks(testing::TestSnapshot("expert", 1));
  ExpectFramesAreChunks(
      MakeSnapshot(testing::TestSnapshot("expert", 1)->header, std::string(2 * kPolicyChunkBytes + 4, 'p')));
}

TEST(MakePolicyFrame, HoldsTheSnapshotForAsLongAsTheFrameLasts) {
  auto snapshot = testing::TestSnapshot("expert", 1);
  const std::string parameters = snapshot->parameters;
  const std::weak_ptr<const PolicySnapshot> watched = snapshot;
  {
    const grpc::ByteBuffer frame = MakePolicyFrame(std::move(snapshot), 1);
    snapshot.reset();
    EXPECT_FALSE(watched.expired());
    EXPECT_EQ(Parsed(frame).policy().parameters(), parameters);
  }
  EXPECT_TRUE(watched.expired());
}

// A result that is answered with a message that takes a while to send, and its acknowledgement.
constexpr uint64_t kBehindABigMessage = 1000;
// The same with a policy.
constexpr uint64_t kBehindAPolicy = 2000;

std::shared_ptr<const PolicySnapshot> LargePolicy() {
  static const std::shared_ptr<const PolicySnapshot> policy =
      MakeSnapshot(testing::TestSnapshot("expert", 1)->header, std::string(64 * kPolicyChunkBytes + 4, 'p'));
  return policy;
}

// Answers every hello with a hello and every result with an acknowledgement, and remembers what happened, by worker.
class EchoHandler final : public RolloutHandler {
 public:
  void OnConnected(std::shared_ptr<ActorLink> link) override {
    Note(*link, "connected");
    if (link->hello().worker_id() == "unwanted") {
      link->Close(absl::FailedPreconditionError("another stage"));
      return;
    }
    v1::SinkMessage hello;
    hello.mutable_hello()->set_inference_width(64);
    link->Send(std::move(hello));
    link->ReadNext();
  }

  void OnMessage(std::shared_ptr<ActorLink> link, v1::ActorMessage message) override {
    Note(*link, "message");
    if (message.has_failure()) {
      link->Close(absl::InvalidArgumentError(message.failure().message()));
      link->Close(absl::OkStatus());
      link->Send({});
      link->ReadNext();
      return;
    }
    if (message.result().request_id() == kBehindABigMessage) {
      v1::SinkMessage big;
      big.mutable_policy()->set_parameters(std::string(size_t{8} << 20, 'x'));
      link->Send(std::move(big));
    }
    if (message.result().request_id() == kBehindAPolicy) link->SendPolicy(LargePolicy());
    v1::SinkMessage ack;
    ack.mutable_ack()->set_request_id(message.result().request_id());
    link->Send(std::move(ack));
    link->ReadNext();
  }

  void OnGone(std::shared_ptr<ActorLink> link) override {
    Note(*link, "gone");
    link->Send({});
    link->ReadNext();
    link->Close(absl::OkStatus());
  }

  // What happened to this worker's stream once it has gone; after ten seconds at the latest.
  std::string AwaitGone(const std::string& worker) {
    MutexLock lock(mutex_);
    const absl::Time deadline = absl::Now() + absl::Seconds(10);
    while (!notes_[worker].ends_with("gone ") && absl::Now() < deadline) {
      changed_.WaitFor(mutex_, deadline - absl::Now());
    }
    return notes_[worker];
  }

  // Returns once so many messages of this worker have come; after ten seconds at the latest.
  void AwaitMessages(const std::string& worker, size_t count) {
    MutexLock lock(mutex_);
    const absl::Time deadline = absl::Now() + absl::Seconds(10);
    const size_t bytes = std::string("connected ").size() + count * std::string("message ").size();
    while (notes_[worker].size() < bytes && absl::Now() < deadline) {
      changed_.WaitFor(mutex_, deadline - absl::Now());
    }
  }

  bool heard_nothing() {
    MutexLock lock(mutex_);
    return notes_.empty();
  }

 private:
  void Note(const ActorLink& link, const std::string& event) {
    MutexLock lock(mutex_);
    notes_[link.hello().worker_id()] += event + " ";
    changed_.NotifyAll();
  }

  Mutex mutex_;
  CondVar changed_;
  std::map<std::string, std::string> notes_ ABSL_GUARDED_BY(mutex_);
};

struct Sink {
  EchoHandler handler;
  RolloutService service{handler};
  std::unique_ptr<RpcServer> server = RpcServer::Start({}, {&service}).value();
};

// One actor's end.
struct Client {
  explicit Client(const Sink& sink) : stub(v1::Rollouts::NewStub(MakeChannel(sink.server->address()))) {
    SetDeadline(context, absl::Seconds(20));
    stream = stub->RollOut(&context);
  }

  bool SendHello(const std::string& worker_id, uint32_t version = kProtocolVersion) {
    v1::ActorMessage message;
    message.mutable_hello()->set_protocol_version(version);
    message.mutable_hello()->set_worker_id(worker_id);
    return stream->Write(message);
  }
  bool SendResult(uint64_t id) {
    v1::ActorMessage message;
    message.mutable_result()->set_request_id(id);
    return stream->Write(message);
  }
  bool SendFailure(const std::string& text) {
    v1::ActorMessage message;
    message.mutable_failure()->set_message(text);
    return stream->Write(message);
  }
  v1::SinkMessage Read() {
    v1::SinkMessage message;
    stream->Read(&message);
    return message;
  }
  // The stream's status, after everything that may still come.
  absl::Status Finish() {
    v1::SinkMessage message;
    while (stream->Read(&message)) continue;
    return FromGrpc(stream->Finish());
  }

  std::unique_ptr<v1::Rollouts::Stub> stub;
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ActorMessage, v1::SinkMessage>> stream;
};

TEST(RolloutService, CarriesMessagesBothWaysInOrder) {
  Sink sink;
  Client client(sink);
  ASSERT_TRUE(client.SendHello("a"));
  EXPECT_EQ(client.Read().hello().inference_width(), 64);
  for (uint64_t id = 1; id <= 20; ++id) ASSERT_TRUE(client.SendResult(id));
  for (uint64_t id = 1; id <= 20; ++id) EXPECT_EQ(client.Read().ack().request_id(), id);
  client.stream->WritesDone();
  EXPECT_TRUE(client.Finish().ok());
  EXPECT_TRUE(sink.handler.AwaitGone("a").starts_with("connected message "));
}

TEST(RolloutService, CarriesAPolicyInChunksBeforeWhatWasSentAfterIt) {
  Sink sink;
  Client client(sink);
  ASSERT_TRUE(client.SendHello("a"));
  EXPECT_TRUE(client.Read().has_hello());
  ASSERT_TRUE(client.SendResult(kBehindAPolicy));
  ASSERT_TRUE(client.SendResult(1));
  SnapshotAssembler assembler;
  v1::SinkMessage message = client.Read();
  std::shared_ptr<const PolicySnapshot> received;
  for (; message.has_policy(); message = client.Read()) {
    ASSERT_EQ(received, nullptr);
    const auto added = assembler.Add(message.policy());
    ASSERT_TRUE(added.ok()) << added.status();
    received = *added;
  }
  ASSERT_NE(received, nullptr);
  EXPECT_EQ(received->parameters, LargePolicy()->parameters);
  EXPECT_EQ(message.ack().request_id(), kBehindAPolicy);
  EXPECT_EQ(client.Read().ack().request_id(), 1u);
}

TEST(RolloutService, SendsNoMoreOfAPolicyToAnActorThatHasEndedItsSide) {
  Sink sink;
  Client client(sink);
  ASSERT_TRUE(client.SendHello("a"));
  EXPECT_TRUE(client.Read().has_hello());
  ASSERT_TRUE(client.SendResult(kBehindAPolicy));
  client.stream->WritesDone();
  sink.handler.AwaitMessages("a", 1);
  // Not read until it has ended its side, more than a connection holds waits: chunks that were not begun are not sent.
  size_t bytes = 0;
  bool acknowledged = false;
  for (v1::SinkMessage message; client.stream->Read(&message);) {
    bytes += message.policy().parameters().size();
    acknowledged |= message.has_ack();
  }
  EXPECT_LT(bytes, LargePolicy()->parameters.size());
  EXPECT_TRUE(acknowledged);
  EXPECT_TRUE(client.Finish().ok());
}

TEST(RolloutService, AcknowledgesEverythingToAnActorThatHasEndedItsSide) {
  Sink sink;
  Client client(sink);
  ASSERT_TRUE(client.SendHello("a"));
  EXPECT_TRUE(client.Read().has_hello());
  ASSERT_TRUE(client.SendResult(kBehindABigMessage));
  for (uint64_t id = 1; id <= 20; ++id) ASSERT_TRUE(client.SendResult(id));
  client.stream->WritesDone();
  // All is answered, and nothing of it can have been sent: the big message waits to be read.
  sink.handler.AwaitMessages("a", 21);
  std::vector<uint64_t> acknowledged;
  v1::SinkMessage message;
  while (client.stream->Read(&message)) {
    if (message.has_ack()) acknowledged.push_back(message.ack().request_id());
  }
  ASSERT_EQ(acknowledged.size(), 21u);
  EXPECT_EQ(acknowledged.front(), kBehindABigMessage);
  EXPECT_EQ(acknowledged.back(), 20u);
  EXPECT_TRUE(client.Finish().ok());
}

TEST(RolloutService, RefusesBytesThatAreNoMessage) {
  Sink sink;
  grpc::GenericStub stub(MakeChannel(sink.server->address()));
  grpc::ClientContext context;
  SetDeadline(context, absl::Seconds(20));
  grpc::CompletionQueue queue;
  const auto await = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto call = stub.PrepareCall(&context, "/understudy.v1.Rollouts/RollOut", &queue);
  call->StartCall(nullptr);
  ASSERT_TRUE(await());
  const grpc::Slice garbage("\xff\xff\xff");
  call->Write(grpc::ByteBuffer(&garbage, 1), nullptr);
  ASSERT_TRUE(await());
  grpc::Status status;
  call->Finish(&status, nullptr);
  ASSERT_TRUE(await());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
  EXPECT_TRUE(sink.handler.heard_nothing());
}

TEST(RolloutService, RefusesAFirstMessageThatIsNoHello) {
  Sink sink;
  Client client(sink);
  ASSERT_TRUE(client.SendResult(1));
  EXPECT_TRUE(absl::IsInvalidArgument(client.Finish()));
  EXPECT_TRUE(sink.handler.heard_nothing());
}

TEST(RolloutService, RefusesAnotherProtocolVersionAndNamesBoth) {
  Sink sink;
  Client client(sink);
  ASSERT_TRUE(client.SendHello("a", 77));
  const absl::Status status = client.Finish();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(status.message().find("77"), absl::string_view::npos);
  EXPECT_TRUE(sink.handler.heard_nothing());
}

TEST(RolloutService, RefusesWorkersWithoutAProperId) {
  Sink sink;
  for (const std::string& id : {std::string(), std::string(257, 'x')}) {
    Client client(sink);
    ASSERT_TRUE(client.SendHello(id));
    EXPECT_TRUE(absl::IsInvalidArgument(client.Finish()));
  }
  EXPECT_TRUE(sink.handler.heard_nothing());
}

TEST(RolloutService, LetsTheHandlerRefuse) {
  Sink sink;
  Client client(sink);
  ASSERT_TRUE(client.SendHello("unwanted"));
  client.SendResult(1);
  EXPECT_EQ(client.Finish(), absl::FailedPreconditionError("another stage"));
  EXPECT_EQ(sink.handler.AwaitGone("unwanted"), "connected gone ");
}

TEST(RolloutService, EndsWithTheFirstStatusAndHearsNothingAfterIt) {
  Sink sink;
  Client client(sink);
  ASSERT_TRUE(client.SendHello("a"));
  ASSERT_TRUE(client.SendFailure("broken"));
  client.SendResult(1);
  EXPECT_EQ(client.Finish(), absl::InvalidArgumentError("broken"));
  EXPECT_EQ(sink.handler.AwaitGone("a"), "connected message gone ");
}

TEST(RolloutService, NoticesThatAnActorHasVanished) {
  Sink sink;
  Client client(sink);
  ASSERT_TRUE(client.SendHello("a"));
  client.Read();
  client.context.TryCancel();
  EXPECT_EQ(sink.handler.AwaitGone("a"), "connected gone ");
  EXPECT_TRUE(absl::IsCancelled(client.Finish()));
}

TEST(RolloutService, ServesManyStreamsAtOnce) {
  Sink sink;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<Client>(sink));
    ASSERT_TRUE(clients.back()->SendHello("actor" + std::to_string(i)));
  }
  for (const auto& client : clients) ASSERT_TRUE(client->SendResult(5));
  for (const auto& client : clients) {
    EXPECT_TRUE(client->Read().has_hello());
    EXPECT_EQ(client->Read().ack().request_id(), 5u);
    client->context.TryCancel();
  }
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(sink.handler.AwaitGone("actor" + std::to_string(i)), "connected message gone ");
  }
}

TEST(RolloutService, EndsItsStreamsWhenTheServerDoes) {
  Sink sink;
  Client client(sink);
  ASSERT_TRUE(client.SendHello("a"));
  client.Read();
  sink.server->Shutdown();
  EXPECT_EQ(sink.handler.AwaitGone("a"), "connected gone ");
  EXPECT_FALSE(client.Finish().ok());
}

}  // namespace
}  // namespace understudy
