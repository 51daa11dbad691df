"""Demonstrations collected by an actor, validated and stored by the coordinator: a collect stage's transitions."""

import clusters
from measuring import Benchmark, Contestant, Row

TRANSITIONS = {False: 2000000, True: 400000}  # by quick


def set_up(context):
    cluster = context.shared["cluster"] = clusters.start(context.directory / "cluster")
    stop = "stop: {mean_return: 475, episodes: 100}"
    clusters.run(cluster, "expert", f"train: {{policy: expert, algorithm: ppo, {stop}}}")


def tear_down(context):
    if "cluster" in context.shared:
        clusters.stop(context.shared["cluster"])


def collect(context):
    cluster = context.shared["cluster"]
    actor, coordinator = cluster.processes["actor-1"], cluster.processes["coordinator"]
    before = clusters.cpu_seconds(actor), clusters.cpu_seconds(coordinator)
    name = f"demonstrations-{context.round}"
    done = clusters.run(cluster, name, f"collect: {{policy: expert, dataset: {name}, seed: {context.round + 1}, "
                                       f"transitions: {TRANSITIONS[context.quick]}}}")
    after = clusters.cpu_seconds(actor), clusters.cpu_seconds(coordinator)
    (stage,) = done["stages"]
    return {"wall": stage["transitions"] / stage["wall_seconds"],
            "actor": stage["transitions"] / (after[0] - before[0]),
            "coordinator": stage["transitions"] / (after[1] - before[1])}


BENCHMARK = Benchmark(
    name="collect",
    title="Demonstrations of a converged expert, validated and durable: one coordinator, one actor",
    rows=(
        Row("wall", "by the stage's wall time", "transitions/s", goal=2e6),
        Row("actor", "by CPU time of the actor (all threads)", "transitions/s", goal=2e6),
        Row("coordinator", "by CPU time of the coordinator (all threads)", "transitions/s"),
    ),
    contestants=(Contestant("collect stage", collect),),
    set_up=set_up,
    tear_down=tear_down,
)
