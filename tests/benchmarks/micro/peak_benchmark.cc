// The limit of every product on one core: fused multiply-adds of registers, as wide as the processor has them.
#if defined(__x86_64__)
#include <benchmark/benchmark.h>
#include <immintrin.h>

#include <cstdint>

namespace understudy::benchmarks {
namespace {

// Enough chains that each unit always has one that is ready.
constexpr int kChains = 12;
constexpr int64_t kRounds = 1000;

__attribute__((target("avx512f"))) float MultiplyAdd512(float start) {
  __m512 sums[kChains];
  for (__m512& sum : sums) sum = _mm512_set1_ps(start);
  const __m512 factor = _mm512_set1_ps(start);
  for (int64_t round = 0; round < kRounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sums[i] = _mm512_fmadd_ps(sums[i], factor, factor);
  }
  for (int i = 1; i < kChains; ++i) sums[0] = _mm512_add_ps(sums[0], sums[i]);
  return _mm512_cvtss_f32(sums[0]);
}

__attribute__((target("avx2,fma"))) float MultiplyAdd256(float start) {
  __m256 sums[kChains];
  for (__m256& sum : sums) sum = _mm256_set1_ps(start);
  const __m256 factor = _mm256_set1_ps(start);
  for (int64_t round = 0; round < kRounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sums[i] = _mm256_fmadd_ps(sums[i], factor, factor);
  }
  for (int i = 1; i < kChains; ++i) sums[0] = _mm256_add_ps(sums[0], sums[i]);
  return _mm256_cvtss_f32(sums[0]);
}

void Peak(benchmark::State& state) {
  const bool wide = __builtin_cpu_supports("avx512f");
  if (!wide && !__builtin_cpu_supports("fma")) return state.SkipWithError("this processor has no fused multiply-adds");
  float start = 0.5f;
  for (auto _ : state) {
    benchmark::DoNotOptimize(start);
    benchmark::DoNotOptimize(wide ? MultiplyAdd512(start) : MultiplyAdd256(start));
  }
  const int64_t flops = 2 * kRounds * kChains * (wide ? 16 : 8);
  state.counters["flops"] =
      benchmark::Counter(static_cast<double>(flops), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(Peak)->Name("peak");

}  // namespace
}  // namespace understudy::benchmarks
#endif
