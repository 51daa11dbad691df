"""What a coordinator costs with 10,000 workers: simulate_cluster's figures."""

import json
import subprocess
import sys

from measuring import Benchmark, Contestant, Row
from programs import REPOSITORY, TIMEOUT, ProgramFailed

WORKERS = 10000
SECONDS = {False: 20, True: 8}  # of each window, by quick


def simulate(context):
    path = context.directory / "cluster.json"
    done = subprocess.run([sys.executable, REPOSITORY / "tests" / "benchmarks" / "simulate_cluster",
                           "--workers", str(WORKERS), "--seconds", str(SECONDS[context.quick]), "--json", path],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT)
    if done.returncode != 0:
        raise ProgramFailed(f"simulate_cluster ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    (found,) = json.loads(path.read_text())["sizes"]
    return {"quiet_cores": found["quiet"]["cores"], "busy_cores": found["busy"]["cores"],
            "memory": found["busy"]["memory"]["most"] / 2**20}


BENCHMARK = Benchmark(
    name="cluster",
    title="A coordinator with 10,000 attached (simulated) workers, a heartbeat of each every 5 s",
    rows=(
        Row("quiet_cores", "heartbeats alone", "cores", lower_is_better=True, goal=0.5),
        Row("busy_cores", "ten experiments run, workers come and go", "cores", lower_is_better=True),
        Row("memory", "most memory", "MiB", lower_is_better=True, goal=1024),
    ),
    contestants=(Contestant("simulate_cluster", simulate),),
    rounds=3,
    quick_rounds=1,
)
