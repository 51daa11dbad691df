"""A store with many experiments and long curves: lists stay quick, the coordinator stays small, what is old goes away.

UNDERSTUDY_LARGE=1 makes 100,000 experiments and 1,000,000 rows of metrics, and holds times to their goals, too."""

import os
import pathlib
import sqlite3
import subprocess
import time
import unittest

from understudy import BIN, TIMEOUT, TestCase, call, call_json

LARGE = os.environ.get("UNDERSTUDY_LARGE") == "1"
EXPERIMENTS = 100_000 if LARGE else 4_000
METRICS = 1_000_000 if LARGE else 40_000
MOST_MEGABYTES = 150
MOST_SECONDS = 0.2  # for a list
DAY = 24 * 3600
SUCCEEDED = 3

TINY = """
name: tiny
environment: CartPole-v1
stages:
  - train: {policy: tiny, algorithm: ppo, seed: 0, environment_steps: 1024}
"""


def varint(number):
    encoded = bytearray()
    while number >= 128:
        encoded.append(number & 127 | 128)
        number >>= 7
    return bytes(encoded + bytes([number]))


def field(number, value):
    """A field of a protocol buffer message: a number, a double, or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def experiment(name, finished_ms):
    """An Experiment as the coordinator stores it, of four stages."""
    stages = b"".join(field(7, field(1, f"policy-{i}") + field(2, "train") + field(3, SUCCEEDED) + field(11, "ppo") +
                               field(16, "x" * 200)) for i in range(4))
    spec = field(1, "sweep") + field(2, "CartPole-v1")
    return (field(1, name) + field(2, spec) + field(3, SUCCEEDED) + field(4, finished_ms - 1000) +
            field(5, finished_ms) + stages)


def progress(iteration):
    return (field(1, iteration) + field(5, 1024 * iteration) +
            b"".join(field(6, field(1, metric) + b"\x11" + bytes(8)) for metric in ("policy_loss", "value_loss", "kl")))


def fill(path):
    """Half of the experiments finished 60 days ago; the newest has all the metrics."""
    now = int(time.time() * 1000)
    database = sqlite3.connect(path)
    database.execute("PRAGMA synchronous = OFF")
    rows = ((f"sweep-{i:06x}", finished - 1000, finished, experiment(f"sweep-{i:06x}", finished))
            for i, finished in ((i, now - EXPERIMENTS - (60 * DAY * 1000 if i < EXPERIMENTS // 2 else 0) + i)
                                for i in range(EXPERIMENTS)))
    with database:
        database.executemany(
            "INSERT INTO experiments (id, submitted_unix_ms, finished_unix_ms, content) VALUES (?, ?, ?, ?)", rows)
        database.executemany(
            "INSERT INTO metrics (experiment, stage, iteration, content) VALUES (?, 0, ?, ?)",
            ((NEWEST, i, progress(i)) for i in range(1, METRICS + 1)))
    database.close()


NEWEST = f"sweep-{EXPERIMENTS - 1:06x}"


def most_megabytes(process):
    """The most memory that a process has had so far."""
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmHWM")


def count_lines(*arguments):
    """How many lines a command prints, which need not be in memory at once."""
    process = subprocess.Popen([BIN / "understudy", *map(str, arguments)], stdout=subprocess.PIPE,
                               stdin=subprocess.DEVNULL)
    with process.stdout:
        count = sum(1 for _ in process.stdout)
    if process.wait(TIMEOUT) != 0:
        raise AssertionError(f"understudy {arguments} exited {process.returncode}")
    return count


class ALargeStore(TestCase):
    def setUp(self):
        super().setUp()
        self.data = self.directory / "data"
        self.store = self.data / "understudy.sqlite"
        self.served = self.cluster()
        self.stop(self.served.coordinator())  # makes the store
        fill(self.store)

    @staticmethod
    def stop(process):
        process.terminate()
        process.wait(TIMEOUT)

    def assert_quick_lists(self, *source):
        seconds = []
        for _ in range(5):
            begin = time.monotonic()
            listed = call_json("experiments", "list", *source)
            seconds.append(time.monotonic() - begin)
            self.assertEqual(100, len(listed))
            self.assertEqual(NEWEST, listed[0]["id"])
        print(f"experiments list {source[0]}: {min(seconds):.3f} s of {EXPERIMENTS} experiments")
        if LARGE:
            self.assertLess(min(seconds), MOST_SECONDS)

    def test_is_listed_quickly_by_a_small_coordinator(self):
        coordinator = self.served.coordinator()
        at = ["--coordinator", self.served.address]
        self.assert_quick_lists(*at)
        self.assertEqual([], call_json("experiments", "list", "--unfinished", *at))
        everything = count_lines("experiments", "list", "--all", *at)
        self.assertEqual(EXPERIMENTS + 2, everything)  # with the table's head
        self.assertEqual(METRICS + 1, count_lines("experiments", "metrics", NEWEST, *at))
        megabytes = most_megabytes(coordinator)
        print(f"the coordinator has had {megabytes:.0f} MB at most")
        self.assertLess(megabytes, MOST_MEGABYTES)

    def test_is_read_without_a_coordinator_and_beside_one(self):
        at = ["--data_dir", self.data]
        self.assert_quick_lists(*at)
        self.served.coordinator()
        self.assertEqual(METRICS + 1, count_lines("experiments", "metrics", NEWEST, *at))
        refused = call("experiments", "delete", NEWEST, *at)
        self.assertEqual(1, refused.returncode)
        self.assertIn("--coordinator", refused.stderr)

    def test_lets_a_run_in_the_same_directory_begin(self):
        recipe = self.write("tiny.yaml", TINY)
        run = call_json("run", recipe, "--data_dir", self.data)
        self.assertEqual("SUCCEEDED", run["status"])
        newest = call_json("experiments", "list", "--limit", "1", "--data_dir", self.data)
        self.assertEqual([run["id"]], [experiment["id"] for experiment in newest])

    def test_gives_space_back_when_old_experiments_and_long_curves_go(self):
        coordinator = self.served.coordinator()
        at = ["--coordinator", self.served.address]
        before = self.store.stat().st_size
        begin = time.monotonic()
        self.assertEqual({"deleted": EXPERIMENTS // 2}, call_json("experiments", "prune", "--older_than", "30d", *at))
        print(f"prune: {time.monotonic() - begin:.1f} s for {EXPERIMENTS // 2} experiments")
        self.assertEqual({"deleted": 0}, call_json("experiments", "prune", "--older_than", "30d", *at))
        self.assertEqual({"deleted": 1}, call_json("experiments", "delete", NEWEST, *at))
        self.assertEqual(EXPERIMENTS // 2 - 1, len(call_json("experiments", "list", "--all", *at)))
        self.assertLess(most_megabytes(coordinator), MOST_MEGABYTES)
        self.stop(coordinator)
        after = self.store.stat().st_size
        print(f"the store: {before / 2**20:.1f} MiB before, {after / 2**20:.1f} MiB after")
        self.assertLess(after, 0.6 * before)
        # And all of it.
        self.assertEqual({"deleted": EXPERIMENTS // 2 - 1},
                         call_json("experiments", "prune", "--older_than", "0s", "--data_dir", self.data))
        self.assertEqual([], call_json("experiments", "list", "--data_dir", self.data))
        self.assertLess(self.store.stat().st_size, 1 << 20)


if __name__ == "__main__":
    unittest.main()
