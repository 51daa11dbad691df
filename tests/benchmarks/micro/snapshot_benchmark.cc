// A policy's parameters on their way, 9,155 of them (64×64, separate) and 25 million: bytes are what is counted.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/snapshot/policy_snapshot.h"
#include "tests/testing/training_inputs.h"

namespace understudy::benchmarks {
namespace {

std::string Parameters(const benchmark::State& state) {
  std::string bytes(static_cast<size_t>(state.range(0)) * sizeof(float), '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 % 251);
  return bytes;
}

v1::PolicyHeader Header() { return testing::CartPoleHeader("hidden_sizes: 64 hidden_sizes: 64"); }

void CountBytes(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * state.range(0) * static_cast<int64_t>(sizeof(float)));
}

// From the flat parameters: one copy, and the checksum.
void Make(benchmark::State& state) {
  const std::string parameters = Parameters(state);
  for (auto _ : state) benchmark::DoNotOptimize(MakeSnapshot(Header(), parameters));
  CountBytes(state);
}
BENCHMARK(Make)->Name("snapshot_make")->Arg(9155)->Arg(25000000);

std::vector<v1::PolicyChunk> Chunks(const PolicySnapshot& snapshot) {
  std::vector<v1::PolicyChunk> chunks;
  SendInChunks(snapshot, [&](v1::PolicyChunk chunk) {
    chunks.push_back(std::move(chunk));
    return true;
  });
  return chunks;
}

void Cut(benchmark::State& state) {
  const auto snapshot = MakeSnapshot(Header(), Parameters(state));
  for (auto _ : state) {
    SendInChunks(*snapshot, [](v1::PolicyChunk chunk) {
      benchmark::DoNotOptimize(chunk);
      return true;
    });
  }
  CountBytes(state);
}
BENCHMARK(Cut)->Name("snapshot_cut")->Arg(9155)->Arg(25000000);

// Put together and checked against the checksum.
void Assemble(benchmark::State& state) {
  const std::vector<v1::PolicyChunk> chunks = Chunks(*MakeSnapshot(Header(), Parameters(state)));
  for (auto _ : state) {
    SnapshotAssembler assembler;
    std::shared_ptr<const PolicySnapshot> snapshot;
    for (const v1::PolicyChunk& chunk : chunks) snapshot = assembler.Add(chunk).value();
    if (snapshot == nullptr) state.SkipWithError("not complete");
  }
  CountBytes(state);
}
BENCHMARK(Assemble)->Name("snapshot_assemble")->Arg(9155)->Arg(25000000);

// The limit of making and assembling: the checksum alone.
void Check(benchmark::State& state) {
  const std::string parameters = Parameters(state);
  for (auto _ : state) benchmark::DoNotOptimize(Checksum(parameters));
  CountBytes(state);
}
BENCHMARK(Check)->Name("snapshot_checksum")->Arg(9155)->Arg(25000000);

// What names a policy that is stored, or was trained.
void Digest(benchmark::State& state) {
  const std::string parameters = Parameters(state);
  const std::string fingerprint = ArchitectureFingerprint(Header());
  for (auto _ : state) benchmark::DoNotOptimize(PolicyDigest(fingerprint, parameters));
  CountBytes(state);
}
BENCHMARK(Digest)->Name("snapshot_digest")->Arg(9155)->Arg(25000000);

}  // namespace
}  // namespace understudy::benchmarks
