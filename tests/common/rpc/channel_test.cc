#include "common/rpc/channel.h"

#include <gtest/gtest.h>

#include <string>

namespace understudy {
namespace {

TEST(StatusConversion, KeepsCodeAndMessageInBothDirections) {
  const grpc::Status status = ToGrpc(absl::FailedPreconditionError("not yet"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(status.error_message(), "not yet");
  const absl::Status back = FromGrpc(grpc::Status(grpc::StatusCode::DATA_LOSS, "torn"));
  EXPECT_EQ(back.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(back.message(), "torn");
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
  EXPECT_TRUE(FromGrpc(grpc::Status::OK).ok());
}

TEST(StatusConversion, CutsLongMessagesBetweenCharacters) {
  // An odd byte, then characters of two bytes each: the limit is in the middle of one.
  std::string message = "x";
  while (message.size() < 3 * kMaxStatusMessageBytes) message.append("é");
  const std::string cut = ToGrpc(absl::InternalError(message)).error_message();
  EXPECT_EQ(cut, message.substr(0, kMaxStatusMessageBytes - 1) + "…");
  const std::string longest(kMaxStatusMessageBytes, 'x');
  EXPECT_EQ(ToGrpc(absl::InternalError(longest)).error_message(), longest);
}

TEST(ValidateAddress, WantsAPortThatSomebodyCanListenOn) {
  EXPECT_TRUE(ValidateAddress("127.0.0.1:1").ok());
  EXPECT_TRUE(ValidateAddress("[::1]:65535").ok());
  EXPECT_EQ(ValidateAddress("127.0.0.1:65536").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ValidateAddress("127.0.0.1:0").message(),
            "address '127.0.0.1:0': nobody listens on port 0, expected one from 1 to 65535");
}

TEST(MakeChannel, ConnectsOnlyWhenItIsUsed) {
  EXPECT_EQ(MakeChannel("127.0.0.1:1")->GetState(/*try_to_connect=*/false), GRPC_CHANNEL_IDLE);
}

}  // namespace
}  // namespace understudy
