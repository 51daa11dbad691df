// A policy from the wire, chunk by chunk: what SnapshotAssembler puts together is what was sent, and its checksum
// what came with its header.
#include <optional>
#include <string>

#include "common/snapshot/policy_snapshot.h"
#include "tests/fuzz/fuzz.h"

namespace understudy {
namespace {

// Makes fingerprint and checksum right, which no mutation would ever find.
void Seal(v1::PolicyChunk& first, const v1::PolicyChunk& last) {
  v1::PolicyHeader& header = *first.mutable_header();
  header.set_parameter_count(static_cast<int64_t>(last.parameters().size() / sizeof(float)));
  header.set_fingerprint(ArchitectureFingerprint(header));
  header.clear_digest();
  first.set_checksum(Checksum(last.parameters()));
}

void CheckSnapshot(const PolicySnapshot& snapshot) {
  const v1::PolicyHeader& header = snapshot.header;
  fuzz::Require(header.parameter_count() * 4 == static_cast<int64_t>(snapshot.parameters.size()), "all are there");
  fuzz::Require(header.fingerprint() == ArchitectureFingerprint(header), "the fingerprint is the architecture's");
  fuzz::Require(snapshot.checksum == Checksum(snapshot.parameters), "the checksum is theirs");
  SnapshotAssembler assembler;
  std::shared_ptr<const PolicySnapshot> again;
  SendInChunks(snapshot, [&](const v1::PolicyChunk& chunk) {
    auto added = assembler.Add(chunk);
    fuzz::Require(added.ok(), "what was received can be sent on", added.status().ToString());
    again = *added;
    return true;
  });
  fuzz::Require(again != nullptr && again->parameters == snapshot.parameters, "and arrives as it was");
}

void Add(const v1::PolicyChunk& chunk, SnapshotAssembler& assembler) {
  const auto added = assembler.Add(chunk);
  if (!added.ok()) fuzz::RequireRefusal(added.status());
  fuzz::Require(added.ok() && *added == nullptr ? !assembler.empty() : assembler.empty(),
                "after an error, or a snapshot, nothing is pending");
  if (added.ok() && *added != nullptr) CheckSnapshot(**added);
}

}  // namespace
}  // namespace understudy

// Pieces: one byte that says whether header and the piece after it, its parameters, get a right checksum, then the
// chunk.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace understudy;
  fuzz::Input input(data, size);
  SnapshotAssembler assembler;
  while (!input.empty()) {
    const bool seal = input.Byte() % 2 == 1;
    v1::PolicyChunk chunk;
    if (!chunk.ParseFromString(std::string(input.Piece()))) continue;
    if (!seal || !chunk.has_header()) {
      Add(chunk, assembler);
      continue;
    }
    v1::PolicyChunk parameters;
    parameters.set_parameters(std::string(input.Piece()));
    Seal(chunk, parameters);
    Add(chunk, assembler);
    Add(parameters, assembler);
  }
  return 0;
}
