"""What a learner takes in: trajectories from the wire to what PPO learns from."""

from measuring import Benchmark, Contestant, Row
from programs import BENCHMARKS, run_json

ITERATIONS = {False: 100, True: 20}  # by quick


def ingest(context):
    return run_json(BENCHMARKS / "learner_ingest", BENCHMARKS / "replaying_actor", ITERATIONS[context.quick])


BENCHMARK = Benchmark(
    name="ingest",
    title="Learner: trajectories received over gRPC, validated, put in order, made a PPO batch",
    rows=(
        Row("per_cpu_second", "by CPU time of the learner's side (all threads): one core", "transitions/s", goal=1e7),
        Row("per_second", "by wall time", "transitions/s"),
        Row("sink_per_cpu_second", "receiving, parsing, validating, ordering alone, by CPU time", "transitions/s"),
        Row("batch_per_cpu_second", "batch: actions, values (of a critic with one hidden unit), advantages, by CPU time", "transitions/s"),
    ),
    contestants=(Contestant("learner_ingest", ingest),),
)
