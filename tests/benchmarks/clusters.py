"""Real coordinators, learners and actors on this machine, and what they report."""

import contextlib
import os
import pathlib
import sqlite3
import subprocess
import sys

from programs import BIN, REPOSITORY, TIMEOUT

os.environ["UNDERSTUDY_BIN"] = str(BIN)
sys.path.insert(0, str(REPOSITORY / "tests" / "chaos"))
from checks import fields  # noqa: E402
from processes import Cluster, Failure  # noqa: E402

__all__ = ["Failure", "change_actors", "cpu_seconds", "metrics", "rate", "run", "running", "start", "stop"]


def start(directory, actors=1):
    """A coordinator, a learner and actors, all attached."""
    directory.mkdir(parents=True)
    cluster = Cluster(directory)
    try:
        cluster.start(actors=actors)
        cluster.recover()
    except BaseException:
        cluster.kill()
        raise
    return cluster


def stop(cluster):
    try:
        if cluster.surprises():
            raise Failure("; ".join(cluster.surprises()))
        cluster.stop()
    finally:
        cluster.kill()


@contextlib.contextmanager
def running(directory, actors=1):
    cluster = start(directory, actors)
    try:
        yield cluster
    except BaseException:
        cluster.kill()
        raise
    stop(cluster)


def change_actors(cluster, number):
    """So many actors, and no others, are attached afterwards."""
    for name in [name for name in cluster.processes if name.startswith("actor-")]:
        if int(name.removeprefix("actor-")) > number:
            cluster.processes.pop(name).stop()
    for i in range(1, number + 1):
        if f"actor-{i}" not in cluster.processes:
            cluster.add(f"actor-{i}", "--coordinator", cluster.address)
    cluster.recover()


def run(cluster, name, *stages, environment="CartPole-v1", step_latency="0s"):
    """Runs an experiment of these stages (YAML flow mappings) to its end. Returns what `experiments
    show` says; Failure where it was refused or did not succeed."""
    path = cluster.directory / f"{name}.yaml"
    lines = [f"name: {name}", f"environment: {environment}", f"step_latency: {step_latency}", "stages:",
             *(f"  - {stage}" for stage in stages)]
    path.write_text("\n".join(lines) + "\n")
    identifier = cluster.call_json("experiments", "submit", path)["id"]
    watcher = cluster.client("experiments", "watch", identifier, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    watcher.wait(TIMEOUT)
    shown = cluster.call_json("experiments", "show", identifier)
    if shown["status"] != "SUCCEEDED":
        raise Failure(f"{identifier}: {shown['status']}: {shown.get('error', '')}")
    return shown


def metrics(cluster, identifier, stage):
    """What a training stage reported: [{name: number}], one of every iteration."""
    store = cluster.data / "understudy.sqlite"
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT content FROM metrics WHERE experiment = ? AND stage = ? ORDER BY iteration",
                                (identifier, stage)).fetchall()
    return [_metrics_of(content) for (content,) in rows]


def _metrics_of(progress):
    """Of a serialised StageProgress: its field 6 is a map of names to doubles."""
    entries = [dict(fields(value)) for number, value in fields(progress) if number == 6]
    return {entry[1].decode(): entry.get(2, 0.0) for entry in entries}


def rate(reports, done):
    """Per second of training, from the end of the first iteration to the end of the last. `done`: how much was done by
    the end of an iteration, by its index and metrics."""
    first, last = reports[0], reports[-1]
    return (done(len(reports) - 1, last) - done(0, first)) / (last["seconds"] - first["seconds"])


def cpu_seconds(process):
    """Of all threads of a process so far, to 10 ms."""
    after_name = pathlib.Path(f"/proc/{process.popen.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, after_name[11:13])) / os.sysconf("SC_CLK_TCK")
