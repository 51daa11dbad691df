// Micro-benchmarks of single parts, on one thread. tests/benchmarks/run runs them and knows what to compare.
#include <benchmark/benchmark.h>

#include "learner/backpropagation/blas.h"

int main(int argc, char** argv) {
  understudy::SetComputeThreads(1);  // of LibTorch and the BLAS
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
