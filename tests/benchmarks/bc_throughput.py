"""Behavioural cloning through the real learner, at minibatches of 64."""

import clusters
from measuring import Benchmark, Comparison, Contestant, Row
from programs import run_baseline

SAMPLES = 10000
EPOCHS = {False: 100, True: 30}          # by quick
BASELINE_EPOCHS = {False: {1: 11, 2: 3}, True: {1: 4, 2: 3}}  # by quick and threads: two are slower than one


def set_up(context):
    """A dataset of a policy that has learned for a moment: what is cloned does not matter to the speed."""
    cluster = context.shared["cluster"] = clusters.start(context.directory / "cluster")
    clusters.run(cluster, "demonstrations", "train: {policy: expert, algorithm: ppo, environment_steps: 10240}",
                 f"collect: {{policy: expert, dataset: demonstrations, transitions: {SAMPLES}}}")


def tear_down(context):
    if "cluster" in context.shared:
        clusters.stop(context.shared["cluster"])


def ours(context):
    cluster = context.shared["cluster"]
    stage = (f"train: {{policy: clone, algorithm: bc, dataset: demonstrations, seed: {context.round}, "
             f"minibatch_size: 64, epochs: {EPOCHS[context.quick]}, validation_split: 0}}")
    done = clusters.run(cluster, f"clone-{context.round}", stage)
    samples = done["stages"][0]["environment_steps"]
    return {"ours": clusters.rate(clusters.metrics(cluster, done["id"], 0), lambda index, _: (index + 1) * samples)}


def python(threads):
    def run(context):
        found = run_baseline("bc.py", seed=context.round, threads=threads, samples=SAMPLES, minibatch_size=64,
                             epochs=BASELINE_EPOCHS[context.quick][threads])
        return {f"python_{threads}": found["samples_per_second"]}
    return run


BENCHMARK = Benchmark(
    name="bc",
    title="Behavioural cloning, minibatches of 64, 64×64 tanh: whole epochs, by the learner's own clock",
    rows=(
        Row("ours", "learner", "samples/s",
            comparisons=(Comparison(("python_1", "python_2"), "× baseline", goal=6),)),
        Row("python_1", "baseline: Python, 1 thread", "samples/s"),
        Row("python_2", "baseline: Python, 2 threads", "samples/s"),
    ),
    contestants=(
        Contestant("Understudy", ours),
        Contestant("baseline, 1 thread", python(1)),
        Contestant("baseline, 2 threads", python(2)),
    ),
    set_up=set_up,
    tear_down=tear_down,
)
