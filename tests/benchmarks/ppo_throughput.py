"""PPO from end to end: 64 environments × 128 steps, 4 epochs of minibatches of 2,048, actor and critic 64×64 tanh."""

import clusters
from measuring import Benchmark, Comparison, Contestant, Row, Unavailable
from programs import BENCHMARKS, run_baseline, run_json

SLOTS, STEPS = 64, 128
ITERATIONS = {False: 240, True: 60}           # by quick
BASELINE_ITERATIONS = {False: {1: 11, 2: 4}, True: {1: 5, 2: 3}}  # by quick and threads: two are slower than one
# The stage's key `threads`, and how a row says it.
THREADS = {0: "threads by default", 1: "threads 1"}
PYTHON = ("python_1", "python_2")
GOALS = {0: 0.95, 1: 1.2}  # of one process, by lag


def python(threads):
    def run(context):
        found = run_baseline("ppo.py", seed=context.round, threads=threads, slots=SLOTS, steps_per_slot=STEPS, epochs=4,
                             minibatch_size=2048,
                             environment_steps=SLOTS * STEPS * BASELINE_ITERATIONS[context.quick][threads])
        return {f"python_{threads}": found["steps_per_second"]}
    return run


def options(context):
    return {"environment_steps": SLOTS * STEPS * ITERATIONS[context.quick], "slots": SLOTS, "steps_per_slot": STEPS,
            "epochs": 4, "minibatch_size": 2048}


def in_process(threads):
    def run(context):
        keys = " ".join(f"{key}: {value}" for key, value in options(context).items())
        found = run_json(BENCHMARKS / "ppo_in_process", f"policy: 'p' algorithm: 'ppo' seed: {context.round} "
                                                        f"threads: {threads} ppo {{ {keys} }}")
        return {f"in_process_{threads}": found["steps_per_second"]}
    return run


def distributed(lag, threads):
    def run(context):
        keys = {"seed": context.round, "threads": threads, **options(context)}
        if lag > 0:
            keys["max_policy_lag"] = lag
        stage = ", ".join(f"{key}: {value}" for key, value in keys.items())
        with clusters.running(context.directory / f"lag-{lag}-threads-{threads}-{context.round}") as cluster:
            try:
                done = clusters.run(cluster, "ppo", f"train: {{policy: p, algorithm: ppo, {stage}}}")
            except clusters.Failure as failure:
                if lag > 0 and "max_policy_lag" in str(failure):
                    raise Unavailable("these programs refuse the key max_policy_lag") from None
                raise
            reports = clusters.metrics(cluster, done["id"], 0)
        return {f"lag_{lag}_{threads}": clusters.rate(reports, lambda _, report: report["environment_steps"])}
    return run


def rows():
    for threads, text in THREADS.items():
        for lag, goal in GOALS.items():
            yield Row(f"lag_{lag}_{threads}", f"learner, actor, max_policy_lag {lag}; {text}", "steps/s",
                      comparisons=(Comparison(PYTHON, "× baseline", goal=10),
                                   Comparison((f"in_process_{threads}",), "× in one process", goal=goal)))
        yield Row(f"in_process_{threads}", f"the same in one process, no RPC; {text}", "steps/s",
                  comparisons=(Comparison(PYTHON, "× baseline"),))
    for threads in (1, 2):
        yield Row(f"python_{threads}", f"baseline: Python, PyTorch's threads {threads}", "steps/s")


def contestants():
    for threads, text in THREADS.items():
        yield Contestant(f"lag 0, {text}", distributed(0, threads))
        yield Contestant(f"in one process, {text}", in_process(threads))
        yield Contestant(f"lag 1, {text}", distributed(1, threads))
        yield Contestant(f"baseline, {threads or 2} threads", python(threads or 2))


BENCHMARK = Benchmark(
    name="ppo",
    title="PPO end to end: 64 environments × 128 steps, 4 epochs, minibatches of 2,048, 64×64 tanh; without start-up",
    rows=tuple(rows()),
    contestants=tuple(contestants()),
)
