"""The canonical experiment, cold: the whole command, from its start to its end."""

import json
import os
import subprocess
import time

from measuring import Benchmark, Comparison, Contestant, Row
from programs import BIN, REPOSITORY, TIMEOUT, ProgramFailed, run_baseline

EXPERIMENT = REPOSITORY / "deploy" / "experiments" / "cartpole.yaml"


def with_seed(text, seed):
    """The experiment with another seed of its PPO stage."""
    before = "algorithm: ppo, seed: 0,"
    if text.count(before) != 1:
        raise ProgramFailed(f"{EXPERIMENT}: expected '{before}' once")
    return text.replace(before, f"algorithm: ppo, seed: {seed},")


def ours(context):
    seed = context.round
    path = context.directory / f"seed-{seed}.yaml"
    path.write_text(with_seed(EXPERIMENT.read_text(), seed))
    data = context.directory / f"data-{seed}"
    begin = time.perf_counter()
    done = subprocess.run([BIN / "understudy", "run", path, "--json", "--data_dir", data], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=TIMEOUT, env={**os.environ, "LC_ALL": "C"})
    seconds = time.perf_counter() - begin
    if done.returncode != 0:
        raise ProgramFailed(f"understudy run {path} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    for stage in json.loads(done.stdout)["stages"]:
        if stage["kind"] in ("ppo", "bc") and not stage["converged"]:
            context.notes.append(f"Understudy, seed {seed}: {stage['name']} did not converge, it ran to its budget")
    return {"ours": seconds}


def baseline(context):
    begin = time.perf_counter()
    found = run_baseline("recipe.py", seed=context.round, threads=1)
    seconds = time.perf_counter() - begin
    for who in ("expert", "clone"):
        if not found[f"{who}_converged"]:
            context.notes.append(f"baseline, seed {context.round}: the {who} did not converge, it ran to its budget")
    return {"baseline": seconds}


BENCHMARK = Benchmark(
    name="cold_run",
    title="deploy/experiments/cartpole.yaml, cold, whole command, a seed a round",
    rows=(
        Row("ours", "understudy run", "s", lower_is_better=True, goal=1.5,
            comparisons=(Comparison(("baseline",), "× baseline"),)),
        Row("baseline", "baseline: the same recipe in one Python process, 1 thread", "s", lower_is_better=True),
    ),
    contestants=(Contestant("understudy run", ours), Contestant("baseline", baseline)),
    rounds=10,
    quick_rounds=2,
)
