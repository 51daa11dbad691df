// A checkpoint on its way, chunk by chunk: what CheckpointAssembler completes is what was sent.
#include <string>

#include "common/snapshot/checkpoint_chunks.h"
#include "common/snapshot/checksum.h"
#include "tests/fuzz/fuzz.h"

namespace understudy {
namespace {

void CheckComplete(CheckpointAssembler& assembler) {
  const v1::CheckpointHeader header = assembler.header();
  const std::string content = assembler.TakeContent();
  fuzz::Require(header.size() == static_cast<int64_t>(content.size()), "all of it is there");
  fuzz::Require(header.checksum() == Checksum(content), "with the checksum that its header says");
  bool complete = false;
  SendCheckpointInChunks(header, content, [&](const v1::CheckpointChunk& chunk) {
    const auto added = assembler.Add(chunk);
    fuzz::Require(added.ok(), "what was received can be sent on", added.status().ToString());
    complete = *added;
    return true;
  });
  fuzz::Require(complete && assembler.TakeContent() == content, "and arrives as it was");
}

void Add(const v1::CheckpointChunk& chunk, CheckpointAssembler& assembler) {
  const auto complete = assembler.Add(chunk);
  if (!complete.ok()) {
    fuzz::RequireRefusal(complete.status());
    fuzz::Require(assembler.received_bytes() == 0, "after an error nothing is pending");
  } else if (*complete) {
    CheckComplete(assembler);
  } else {
    fuzz::Require(assembler.received_bytes() < assembler.header().size(), "something is missing still");
  }
}

}  // namespace
}  // namespace understudy

// Pieces: one byte that says whether the header gets size and checksum of the piece after it, then the chunk.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace understudy;
  fuzz::Input input(data, size);
  CheckpointAssembler assembler;
  while (!input.empty()) {
    const bool seal = input.Byte() % 2 == 1;
    v1::CheckpointChunk chunk;
    if (!chunk.ParseFromString(std::string(input.Piece()))) continue;
    if (!seal || !chunk.has_header()) {
      Add(chunk, assembler);
      continue;
    }
    v1::CheckpointChunk content;
    content.set_content(std::string(input.Piece()));
    chunk.mutable_header()->set_size(static_cast<int64_t>(content.content().size()));
    chunk.mutable_header()->set_checksum(Checksum(content.content()));
    Add(chunk, assembler);
    Add(content, assembler);
  }
  return 0;
}
