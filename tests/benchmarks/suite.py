"""All benchmarks, in the order in which they run."""

import bc_throughput
import clusters
import cold_run
import collecting
import ppo_throughput
from programs import ProgramFailed

ALL = [cold_run.BENCHMARK, ppo_throughput.BENCHMARK, bc_throughput.BENCHMARK, collecting.BENCHMARK]
NAMES = [benchmark.name for benchmark in ALL]
# What may go wrong outside of this suite's code; the text says what.
FAILURES = (ProgramFailed, clusters.Failure)
