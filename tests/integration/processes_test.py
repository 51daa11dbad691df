"""Processes that start, come, go and end: no orphans, no hangs, nothing that LibTorch slows down without need."""

import contextlib
import os
import pathlib
import signal
import subprocess
import unittest

from understudy import BIN, EXPERIMENTS, TIMEOUT, TestCase, call_json, digests, free_port, wait_until

CANONICAL = EXPERIMENTS / "cartpole.yaml"

# Trains on and on: no stop rule can be reached.
ENDLESS = """
name: endless
environment: CartPole-v1
stages:
  - train: {policy: expert, algorithm: ppo, environment_steps: 1000000000, stop: {mean_return: 100000}}
"""


class Run(TestCase):
    def start_endless(self):
        data = self.directory / "data"
        process = subprocess.Popen(
            [BIN / "understudy", "run", self.write("endless.yaml", ENDLESS), "--actors", "2", "--data_dir", data],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        wait_until(lambda: (data / "understudy.sqlite").exists() and len(self.pids_of_children(process.pid)) == 4,
                   "coordinator, learner and two actors")
        return process

    def pids_of_children(self, parent):
        children = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # ended meanwhile
                if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == parent:
                    children.append(int(entry.name))
        return children

    def assert_all_end(self, pids):
        def gone(pid):
            try:
                with open(f"/proc/{pid}/stat") as stat:
                    return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
            except FileNotFoundError:
                return True
        wait_until(lambda: all(gone(pid) for pid in pids), f"end of {pids}", timeout=10)

    def test_interrupted_stops_every_process(self):
        process = self.start_endless()
        children = self.pids_of_children(process.pid)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=TIMEOUT)
        self.assertEqual(130, process.returncode)
        self.assert_all_end(children)

    def test_killed_leaves_no_orphan(self):
        process = self.start_endless()
        children = self.pids_of_children(process.pid)
        process.kill()
        process.communicate(timeout=TIMEOUT)
        self.assert_all_end(children)


class Elastic(TestCase):
    def test_actors_come_and_go_and_the_result_is_the_same(self):
        cluster = self.cluster()
        cluster.coordinator()
        cluster.learner()
        first = cluster.actor()
        experiment = cluster.submit(CANONICAL)

        def training(entry=experiment):
            stages = cluster.call_json("experiments", "show", entry)["stages"]
            return stages[0]["status"] != "PENDING"
        wait_until(training, "the first stage")
        second = cluster.actor()
        first.kill()  # SIGKILL, in the middle of whatever it does
        finished = cluster.finish(experiment)
        self.assert_succeeded(finished)
        self.assertEqual(digests(call_json("run", CANONICAL, "--data_dir", self.directory / "run")), digests(finished))
        self.assertIsNone(second.poll())

    def test_terminated_daemons_exit_cleanly(self):
        cluster = self.cluster()
        daemons = [cluster.coordinator(), cluster.learner(), cluster.actor()]
        wait_until(lambda: len(cluster.call_json("workers", "list")) == 2, "two workers")
        for daemon in reversed(daemons):
            daemon.send_signal(signal.SIGTERM)
            self.assertEqual(0, daemon.wait(timeout=10))


class Programs(TestCase):
    def test_only_learner_and_actor_link_libtorch(self):
        for program, linked in (("understudy", False), ("understudy-coordinator", False),
                                ("understudy-learner", True), ("understudy-actor", True)):
            libraries = subprocess.run(["ldd", BIN / program], capture_output=True, text=True, check=True).stdout
            self.assertEqual(linked, "libtorch" in libraries, program)

    def test_learner_warns_where_it_runs_on_the_reference_blas(self):
        reference = next(pathlib.Path("/usr/lib").glob("*/blas/libblas.so.3")).parent
        for path, warned in ((str(reference), True), ("", False)):
            learner = subprocess.Popen(
                [BIN / "understudy-learner", "--coordinator", f"127.0.0.1:{free_port()}", "--listen", "127.0.0.1:0"],
                stderr=subprocess.PIPE, text=True, env={**os.environ, "LD_LIBRARY_PATH": path})
            first_line = learner.stderr.readline()
            learner.terminate()
            learner.communicate(timeout=TIMEOUT)
            self.assertEqual(warned, "reference BLAS" in first_line, first_line)

    def test_every_command_has_help_with_an_example(self):
        commands = [["understudy", *words.split()] for words in (
            "", "run", "experiments", "experiments submit", "experiments list", "experiments show", "experiments watch",
            "experiments cancel", "workers list", "datasets", "datasets list", "datasets show", "datasets digest",
            "datasets verify", "datasets export", "datasets delete", "policies list", "policies show")]
        commands += [["understudy-coordinator"], ["understudy-learner"], ["understudy-actor"]]
        for program, *words in commands:
            with self.subTest(command=[program, *words]):
                done = subprocess.run([BIN / program, *words, "--help"], capture_output=True, text=True,
                                      timeout=TIMEOUT, env={k: v for k, v in os.environ.items()})
                self.assertEqual(0, done.returncode, done.stderr)
                self.assertIn("xample", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
