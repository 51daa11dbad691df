"""Single parts, on one thread: what micro_benchmarks (Google Benchmark) measures."""

import blas
from measuring import Benchmark, Comparison, Contestant, Row
from programs import BENCHMARKS, ProgramFailed, run_baseline, run_json

SECONDS = {False: 0.3, True: 0.05}  # of each, by quick


def declared(values):
    """Of what was measured, what there is a row for."""
    keys = {row.key for row in ROWS}
    return {key: value for key, value in values.items() if key in keys}


def python(key):
    return f"python {key}"


def micro_benchmarks(context):
    found = run_json(BENCHMARKS / "micro_benchmarks", "--benchmark_format=json",
                     f"--benchmark_min_time={SECONDS[context.quick]}", "--benchmark_enable_random_interleaving=true",
                     environment=blas.correction()[0])
    values = {}
    for one in found["benchmarks"]:
        key = one["name"].removesuffix("/real_time")
        if "error_message" in one:
            raise ProgramFailed(f"{key}: {one['error_message']}")
        # CPU time of the thread; wall time where that is what the benchmark is of.
        time = one["real_time" if one["name"].endswith("/real_time") else "cpu_time"]
        if "items_per_second" in one:
            values[key] = one["items_per_second"]
        elif "bytes_per_second" in one:
            values[key] = one["bytes_per_second"] / 1e6
        else:
            values[key] = time / 1000
        if "flops" in one:
            values[f"{key} GFLOP/s"] = one["flops"] / 1e9
    return declared(values)


def parts(context):
    found = run_baseline("parts.py", seconds=SECONDS[context.quick])
    return declared({python(key): value for key, value in found.items()})


def environment_rows():
    for lanes in (64, 1024):
        key = f"environment_step/{lanes}"
        yield Row(key, f"CartPole steps, {lanes} environments", "steps/s",
                  comparisons=(Comparison((python(key),), "× numpy"),))
        yield Row(python(key), "    the same, vectorised in numpy", "steps/s")


def trajectory_rows():
    copy = (Comparison(("batch_copy",), "of copying its bytes", share=True),)
    yield Row("advantages", "advantages (GAE), segments of 128", "steps/s")
    yield Row("batch_serialise", "batch of 32 episodes: serialise", "transitions/s", comparisons=copy)
    yield Row("batch_parse", "batch of 32 episodes: parse", "transitions/s", comparisons=copy)
    yield Row("batch_validate", "batch of 32 episodes: validate", "transitions/s", comparisons=copy)
    yield Row("batch_copy", "    limit: copy its bytes once", "transitions/s")


def snapshot_rows():
    for count, size in ((9155, "36 kB"), (25000000, "100 MB")):
        alone = (Comparison((f"snapshot_checksum/{count}",), "of the checksum alone", share=True),)
        yield Row(f"snapshot_make/{count}", f"policy of {size}: make a snapshot", "MB/s", comparisons=alone)
        yield Row(f"snapshot_cut/{count}", f"policy of {size}: cut into chunks", "MB/s")
        yield Row(f"snapshot_assemble/{count}", f"policy of {size}: assemble and check", "MB/s", comparisons=alone)
        yield Row(f"snapshot_checksum/{count}", "    limit: its checksum", "MB/s")
        yield Row(f"snapshot_digest/{count}", f"policy of {size}: SHA-256, where it is stored", "MB/s")


def store_rows():
    yield Row("store_append", "SQLite: durable append of 32 episodes", "transitions/s",
              comparisons=(Comparison(("write_and_sync",), "of writing and syncing as many bytes", share=True),))
    yield Row("episode_encode", "    of that, digest and compression alone", "transitions/s")
    yield Row("write_and_sync", "    limit: write and sync as many bytes", "transitions/s")


def learning_rows(name, what, sizes, goals=None):
    """`goals`: by size, how many times as fast as LibTorch's autograd."""
    for size in sizes:
        key = f"{name}/{size}"
        limit = f"{name.split('_')[0]}_products/{size}"
        yield Row(key, f"{what}, {size} rows", "µs", lower_is_better=True,
                  comparisons=(Comparison((f"libtorch {key}",), "× LibTorch in this process", (goals or {}).get(size)),
                               Comparison((python(key),), "× PyTorch"),
                               Comparison((limit,), "of its products alone, by the BLAS", share=True)))
        yield Row(f"{key} GFLOP/s", "    the same", "GFLOP/s", goal=60 if goals else None,
                  comparisons=(Comparison(("peak GFLOP/s",), "of the core's multiply-adds", share=True),))
        yield Row(f"libtorch {key}", "    LibTorch, C++", "µs", lower_is_better=True)
        yield Row(python(key), "    PyTorch", "µs", lower_is_better=True)
        yield Row(limit, "    limit: its products alone, by the BLAS", "µs", lower_is_better=True)


def thread_rows():
    for size in (256, 2048):
        yield Row(f"ppo_minibatch on 2 threads/{size}", f"PPO update, {size} rows, on 2 threads, by wall time", "µs",
                  lower_is_better=True, comparisons=(Comparison((f"ppo_minibatch/{size}",), "× 1 thread"),))


def product_rows():
    for size in (64, 256, 1024, 2048):
        yield Row(f"square_product/{size} GFLOP/s", f"BLAS: [{size}×64] · [64×64]", "GFLOP/s",
                  comparisons=(Comparison(("peak GFLOP/s",), "of the core's multiply-adds", share=True),))
    yield Row("peak GFLOP/s", "limit of one core: fused multiply-adds", "GFLOP/s")


LEARNING = (*learning_rows("inference", "inference, actor 64×64 tanh", (64, 256, 1024)),
            *learning_rows("ppo_minibatch", "PPO update, actor and critic 64×64 tanh", (64, 256, 1024, 2048),
                           goals={256: 4, 2048: 2.5}), *thread_rows(),
            *learning_rows("bc_minibatch", "BC update, actor 64×64 tanh", (64, 256, 1024)), *product_rows())
ROWS = (*LEARNING, *environment_rows(), *trajectory_rows(), *snapshot_rows(), *store_rows())
BENCHMARK = Benchmark(
    name="micro",
    title="Single parts, one thread: CPU time; the store by wall time",
    rows=ROWS,
    contestants=(Contestant("micro_benchmarks", micro_benchmarks), Contestant("baseline", parts)),
)
