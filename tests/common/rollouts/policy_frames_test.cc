#include "common/rollouts/policy_frames.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "google/protobuf/util/message_differencer.h"
#include "tests/testing/trajectory_batches.h"
#include "understudy/v1/rollouts.grpc.pb.h"

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

TEST(PolicyFrames, AreTheChunksOfASnapshot) {
  ExpectFramesAreChunks(testing::TestSnapshot("expert", 1));
  ExpectFramesAreChunks(
      MakeSnapshot(testing::TestSnapshot("expert", 1)->header, std::string(2 * kPolicyChunkBytes + 4, 'p')));
}

TEST(PolicyFrames, HoldTheSnapshotForAsLongAsTheyLast) {
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

}  // namespace
}  // namespace understudy
