"""All benchmarks, in the order in which they run."""

import subprocess

import bc_throughput
import cluster_cost
import clusters
import cold_run
import collecting
import ingesting
import micro
import ppo_throughput
import weights
from programs import ProgramFailed

ALL = [module.BENCHMARK for module in (cold_run, ppo_throughput, bc_throughput, collecting, ingesting, weights, micro,
                                        cluster_cost)]
NAMES = [benchmark.name for benchmark in ALL]
# What may go wrong outside of this suite's code; the text says what.
FAILURES = (ProgramFailed, clusters.Failure, subprocess.TimeoutExpired)
