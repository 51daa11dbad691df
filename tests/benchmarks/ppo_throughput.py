"""PPO from end to end: 64 environments × 128 steps, 4 epochs of minibatches of 2,048, actor and critic 64×64 tanh."""

import clusters
from measuring import Benchmark, Comparison, Contestant, Row, Unavailable
from programs import BENCHMARKS, run_baseline, run_json

SLOTS, STEPS = 64, 128
ITERATIONS = {False: 120, True: 40}           # by quick
BASELINE_ITERATIONS = {False: 11, True: 5}


def python(threads):
    def run(context):
        found = run_baseline("ppo.py", seed=context.round, threads=threads, slots=SLOTS, steps_per_slot=STEPS, epochs=4,
                             minibatch_size=2048, environment_steps=SLOTS * STEPS * BASELINE_ITERATIONS[context.quick])
        return {f"python_{threads}": found["steps_per_second"]}
    return run


def options(context):
    return {"seed": context.round, "environment_steps": SLOTS * STEPS * ITERATIONS[context.quick], "slots": SLOTS,
            "steps_per_slot": STEPS, "epochs": 4, "minibatch_size": 2048}


def in_process(context):
    stage = " ".join(f"{key}: {value}" for key, value in options(context).items() if key != "seed")
    found = run_json(BENCHMARKS / "ppo_in_process",
                     f"policy: 'p' algorithm: 'ppo' seed: {context.round} ppo {{ {stage} }}")
    return {"in_process": found["steps_per_second"]}


def distributed(lag):
    def run(context):
        keys = options(context)
        if lag > 0:
            keys["max_policy_lag"] = lag
        stage = ", ".join(f"{key}: {value}" for key, value in keys.items())
        with clusters.running(context.directory / f"lag-{lag}-{context.round}") as cluster:
            try:
                done = clusters.run(cluster, "ppo", f"train: {{policy: p, algorithm: ppo, {stage}}}")
            except clusters.Failure as failure:
                if lag > 0 and "max_policy_lag" in str(failure):
                    raise Unavailable("these programs refuse the key max_policy_lag") from None
                raise
            reports = clusters.metrics(cluster, done["id"], 0)
        return {f"lag_{lag}": clusters.rate(reports, lambda _, report: report["environment_steps"])}
    return run


PYTHON = ("python_1", "python_2")
BENCHMARK = Benchmark(
    name="ppo",
    title="PPO end to end: 64 environments × 128 steps, 4 epochs, minibatches of 2,048, 64×64 tanh; without start-up",
    rows=(
        Row("lag_0", "1 learner, 1 actor, max_policy_lag 0", "steps/s",
            comparisons=(Comparison(PYTHON, "× baseline", goal=10),
                         Comparison(("in_process",), "× in one process", goal=0.95))),
        Row("lag_1", "1 learner, 1 actor, max_policy_lag 1", "steps/s",
            comparisons=(Comparison(PYTHON, "× baseline", goal=10),
                         Comparison(("in_process",), "× in one process", goal=1.2))),
        Row("in_process", "learner and actor in one process and thread, no RPC", "steps/s",
            comparisons=(Comparison(PYTHON, "× baseline"),)),
        Row("python_1", "baseline: Python, 1 thread", "steps/s"),
        Row("python_2", "baseline: Python, 2 threads", "steps/s"),
    ),
    contestants=(
        Contestant("Understudy, lag 0", distributed(0)),
        Contestant("in one process", in_process),
        Contestant("baseline, 1 thread", python(1)),
        Contestant("baseline, 2 threads", python(2)),
        Contestant("Understudy, lag 1", distributed(1)),
    ),
)
