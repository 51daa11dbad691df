"""What must be true after a round, whatever has happened in it."""

import json
import sqlite3
import struct

from processes import Failure

# How long things took, and what became of trajectories, may differ; nothing else.
INCOMPARABLE = {"wall_seconds", "trajectories"}


def require(condition, text):
    if not condition:
        raise Failure(text)


def require_equal(expected, found, what):
    require(expected == found, f"{what}: expected {expected}, found {found}")


def fields(message):
    """(field number, value) of a serialised protobuf message; fixed64 as a double, bytes as they are."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
    while at < len(message):
        tag = varint()
        if tag & 7 == 0:
            yield tag >> 3, varint()
        elif tag & 7 == 1:
            yield tag >> 3, struct.unpack_from("<d", message, at)[0]
            at += 8
        elif tag & 7 == 2:
            size = varint()
            yield tag >> 3, message[at:at + size]
            at += size
        else:
            raise Failure(f"metrics: wire type {tag & 7} is none that a StageProgress has")


def parse_progress(content):
    """A StageProgress of experiments.proto: its numbers, and its metrics but for the time that it took."""
    names = {1: "iteration", 2: "done", 3: "total", 4: "unit", 5: "steps"}
    progress, metrics = {}, {}
    for number, value in fields(content):
        if number in names:
            progress[names[number]] = value
        elif number == 6:
            entry = dict(fields(value))
            metrics[entry[1].decode()] = entry.get(2, 0.0)
    metrics.pop("seconds", None)
    return {**progress, "metrics": metrics}


def read_metrics(store, experiment):
    """{stage: [(iteration, progress)]} as stored. The coordinator has ended, or this is only a look."""
    database = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    try:
        rows = database.execute("SELECT stage, iteration, content FROM metrics WHERE experiment = ? "
                                "ORDER BY stage, iteration", (experiment,)).fetchall()
    finally:
        database.close()
    series = {}
    for stage, iteration, content in rows:
        series.setdefault(stage, []).append((iteration, parse_progress(content)))
    return series


def results(experiment):
    return [{key: value for key, value in stage.items() if key not in INCOMPARABLE} for stage in experiment["stages"]]


def check_accounting(trajectories, who):
    total = sum(trajectories[key] for key in ("accepted", "rejected", "lost", "in_flight"))
    require(trajectories["produced"] == total,
            f"accounting of {who}: produced is not the sum of the others: {trajectories}")
    require_equal(trajectories["rejected"], sum(trajectories["rejected_by_reason"].values()),
                  f"accounting of {who}: rejected, by reason")


def check_stage_accounting(stage, who):
    trajectories = stage.get("trajectories")
    require(trajectories is not None, f"accounting of {who}: there is none")
    check_accounting(trajectories, who)
    accepted, stored = trajectories["accepted"], stage.get("episodes", 0) if stage["kind"] == "collect" else 0
    require(accepted >= stored, f"accounting of {who}: {accepted} accepted, fewer than the {stored} that are stored")


def check_dataset(cluster, stage):
    name = stage["dataset"]
    cluster.call("datasets", "verify", name)
    require_equal(stage["digest"], cluster.call("datasets", "digest", name).strip(), f"digest of dataset {name}")
    path = cluster.directory / f"{name}.jsonl"
    cluster.call("datasets", "export", name, "--format", "jsonl", "--output", path)
    numbers = []
    with open(path) as steps:
        for line in steps:
            step = json.loads(line)
            if step["step"] == 0:
                numbers.append(step["episode"])
    path.unlink()
    require_equal(list(range(stage["episodes"])), numbers, f"episodes of dataset {name}")


def take_stock(cluster, experiment):
    """All that there is to compare, with what needs no comparison checked."""
    shown = cluster.call_json("experiments", "show", experiment)
    require_equal("SUCCEEDED", shown["status"], f"status of {experiment}: {json.dumps(shown)}")
    for number, stage in enumerate(shown["stages"], 1):
        require_equal("SUCCEEDED", stage["status"], f"status of stage {number}")
        if stage["kind"] == "collect":
            check_dataset(cluster, stage)
        check_stage_accounting(stage, f"stage {number}")
    for worker in cluster.call_json("workers", "list"):
        if worker["kind"] == "actor":
            check_accounting(worker["trajectories"], f"actor {worker['pid']}")
    return shown


def check_metrics(series, experiment):
    for index, stage in enumerate(experiment["stages"]):
        if stage["kind"] == "train":
            iterations = [iteration for iteration, _ in series.get(index, [])]
            require_equal(list(range(1, stage["iterations"] + 1)), iterations,
                          f"iterations in the metrics of stage {index + 1}")


def compare(reference, found):
    """Both: {"experiment": …, "metrics": …}."""
    for index, (expected, stage) in enumerate(zip(results(reference["experiment"]), results(found["experiment"]))):
        for key in expected.keys() | stage.keys():
            require_equal(expected.get(key), stage.get(key), f"stage {index + 1} ({expected['kind']}), {key}")
    for index, expected in reference["metrics"].items():
        for (iteration, one), (_, other) in zip(expected, found["metrics"][index]):
            require_equal(one, other, f"metrics of stage {index + 1}, iteration {iteration}")
    for index, (one, other) in enumerate(zip(reference["experiment"]["stages"], found["experiment"]["stages"])):
        # Collecting may accept what turns out to be surplus, depending on who was there to ask.
        if one["kind"] != "collect" and "trajectories" in one:
            require_equal(one["trajectories"]["accepted"], other["trajectories"]["accepted"],
                          f"accounting of stage {index + 1}: accepted")
