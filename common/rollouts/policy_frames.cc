#include "common/rollouts/policy_frames.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/slice.h>

#include <string>
#include <utility>

#include "understudy/v1/rollouts.pb.h"

namespace understudy {
namespace {

using google::protobuf::internal::WireFormatLite;
using SharedSnapshot = std::shared_ptr<const PolicySnapshot>;

grpc::Slice Own(const std::string& bytes) { return grpc::Slice(bytes.data(), bytes.size()); }

// Returns the bytes that precede a field's content of `size` bytes.
std::string FieldHead(int number, size_t size) {
  uint8_t bytes[2 * 10];
  uint8_t* end = google::protobuf::io::CodedOutputStream::WriteVarint32ToArray(
      WireFormatLite::MakeTag(number, WireFormatLite::WIRETYPE_LENGTH_DELIMITED), bytes);
  end = google::protobuf::io::CodedOutputStream::WriteVarint64ToArray(size, end);
  return std::string(bytes, end);
}

grpc::Slice Lend(SharedSnapshot snapshot, std::string_view part) {
  return grpc::Slice(
      const_cast<char*>(part.data()), part.size(), [](void* holder) { delete static_cast<SharedSnapshot*>(holder); },
      new SharedSnapshot(std::move(snapshot)));
}

}  // namespace

grpc::ByteBuffer MakePolicyFrame(SharedSnapshot snapshot, size_t index) {
  std::string head;
  std::string_view parameters;
  if (index == 0) {
    head = MakeChunk(*snapshot, 0).SerializeAsString();
  } else {
    parameters = ChunkParameters(*snapshot, index);
    head = FieldHead(v1::PolicyChunk::kParametersFieldNumber, parameters.size());
  }
  head.insert(0, FieldHead(v1::SinkMessage::kPolicyFieldNumber, head.size() + parameters.size()));
  const grpc::Slice slices[] = {Own(head), Lend(std::move(snapshot), parameters)};
  return grpc::ByteBuffer(slices, index == 0 ? 1 : 2);
}

}  // namespace understudy
