"""From new weights in a learner to the first action that an actor in another process takes with them."""

from measuring import Benchmark, Contestant, Row
from programs import BENCHMARKS, BIN, run_json

# By name: hidden sizes; how many versions in a round, by quick; the goal for the 99th percentile, in ms.
POLICIES = {
    "64×64 tanh (9,155 parameters)": ("64,64", {False: 1000, True: 200}, 2),
    "3500×3500 tanh (98 MB)": ("3500,3500", {False: 20, True: 5}, 150),
}


def publish(name, hidden_sizes, versions):
    def run(context):
        found = run_json(BENCHMARKS / "weights_latency", BIN / "understudy-actor", hidden_sizes,
                         versions[context.quick])
        return {f"{name} {key}": found[key] for key in ("p50_ms", "p99_ms", "snapshot_p50_ms", "snapshot_p99_ms")}
    return run


def rows(name, goal):
    return (Row(f"{name} p50_ms", f"{name}: p50", "ms", lower_is_better=True),
            Row(f"{name} p99_ms", f"{name}: p99", "ms", lower_is_better=True, goal=goal),
            Row(f"{name} snapshot_p50_ms", "    of these, once the snapshot is made: p50", "ms",
                lower_is_better=True),
            Row(f"{name} snapshot_p99_ms", "    of these, once the snapshot is made: p99", "ms",
                lower_is_better=True))


BENCHMARK = Benchmark(
    name="weights",
    title="Weights → first transition acted with them is back: learner's sink, a real actor process, loopback",
    rows=tuple(row for name, (_, _, goal) in POLICIES.items() for row in rows(name, goal)),
    contestants=tuple(Contestant(name, publish(name, sizes, versions))
                      for name, (sizes, versions, _) in POLICIES.items()),
)
