"""Processes that start, come, go and end: no orphans, no hangs, nothing that LibTorch slows down without need."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

from understudy import BIN, EXPERIMENTS, TIMEOUT, TestCase, call, call_json, digests, free_port, wait_until

CANONICAL = EXPERIMENTS / "cartpole.yaml"

# Trains on and on: no stop rule can be reached.
ENDLESS = """
name: endless
environment: CartPole-v1
stages:
  - train: {policy: expert, algorithm: ppo, environment_steps: 1000000000, stop: {mean_return: 100000}}
"""


def children_of(parent):
    """The processes that `parent` has started, by the names of their programs, oldest first."""
    children = {}
    for pid in sorted(int(entry.name) for entry in pathlib.Path("/proc").glob("[0-9]*")):
        with contextlib.suppress(OSError):  # ended meanwhile
            if parent_of(pid) == parent:
                program = pathlib.Path(os.readlink(f"/proc/{pid}/exe")).name
                children.setdefault(program, []).append(pid)
    return children


def parent_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def has_ended(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


class RunCase(TestCase):
    def start(self, experiment, *arguments):
        """`understudy run` in the background, once it has its coordinator, its learner and two actors."""
        process = subprocess.Popen(
            [BIN / "understudy", "run", experiment, "--actors", "2", "--data_dir", self.directory / "data", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        wait_until(lambda: sum(map(len, children_of(process.pid).values())) == 4, "coordinator, learner and two actors")
        return process

    def start_endless(self):
        return self.start(self.write("endless.yaml", ENDLESS))

    def pids_of_children(self, parent):
        return [pid for pids in children_of(parent).values() for pid in pids]

    def assert_all_end(self, pids):
        wait_until(lambda: all(map(has_ended, pids)), f"end of {pids}", timeout=10)


class Run(RunCase):
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


class Deaths(RunCase):
    """Whatever dies below `understudy run`, or with it: what comes out is what an undisturbed run gives."""

    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory(prefix="understudy-test-") as data:
            cls.undisturbed = digests(call_json("run", CANONICAL, "--data_dir", data))

    def start_training(self):
        """`understudy run` of the canonical experiment, in the middle of its first training stage."""
        process = self.start(CANONICAL, "--json")
        learner = children_of(process.pid)["understudy-learner"][0]
        words = pathlib.Path(f"/proc/{learner}/cmdline").read_text().split("\0")
        coordinator = words[words.index("--coordinator") + 1]

        def trains():
            shown = call("experiments", "list", "--json", "--coordinator", coordinator)
            experiments = json.loads(shown.stdout) if shown.returncode == 0 else []
            return experiments and experiments[0]["stages"][0].get("progress", {}).get("iteration", 0) > 0
        wait_until(trains, "the first iteration")
        return process

    def assert_finishes_undisturbed(self, process):
        output, errors = process.communicate(timeout=TIMEOUT)
        self.assertEqual(0, process.returncode, errors)
        experiment = json.loads(output)
        self.assert_succeeded(experiment)
        self.assertEqual(self.undisturbed, digests(experiment))
        return errors

    def kill_one(self, program):
        process = self.start_training()
        os.kill(children_of(process.pid)[program][0], signal.SIGKILL)
        errors = self.assert_finishes_undisturbed(process)
        self.assertRegex(errors, f"warning: {program}( 1)? has ended unexpectedly: killed by SIGKILL .Killed.; "
                                 "it is started again\n")

    def test_of_the_learner(self):
        self.kill_one("understudy-learner")

    def test_of_an_actor(self):
        self.kill_one("understudy-actor")

    def test_of_the_coordinator(self):
        self.kill_one("understudy-coordinator")

    def test_of_everything_at_once(self):
        process = self.start_training()
        children = self.pids_of_children(process.pid)
        process.kill()
        for pid in children:
            with contextlib.suppress(ProcessLookupError):  # it does not outlive its parent
                os.kill(pid, signal.SIGKILL)
        process.communicate(timeout=TIMEOUT)
        self.assert_all_end(children)
        errors = self.assert_finishes_undisturbed(self.start(CANONICAL, "--json"))
        self.assertRegex(errors, "going on with experiment cartpole-[0-9a-f]+, which had not finished\n")


class Watch(TestCase):
    def test_finds_the_coordinator_soon_after_it_is_back(self):
        cluster = self.cluster()
        coordinator = cluster.coordinator()
        experiment = cluster.submit(self.write("endless.yaml", ENDLESS))
        with open(self.directory / "watch.log", "a") as log:
            watch = subprocess.Popen([BIN / "understudy", "experiments", "watch", experiment, "--coordinator",
                                      cluster.address], stdout=subprocess.DEVNULL, stderr=log)
            self.addCleanup(watch.wait)
            self.addCleanup(watch.kill)

            def says(text):
                return text in (self.directory / "watch.log").read_text()
            wait_until(lambda: says("expert: train (ppo) started"), "the experiment's state")
            for _ in range(2):
                coordinator.kill()
                coordinator.wait()
                wait_until(lambda: says("connection is lost"), "news of the death")
                time.sleep(1.5)  # by then, attempts to connect have become rare
                coordinator = cluster.coordinator()
                wait_until(lambda: says("connected again"), "news of the return", timeout=3)
                os.truncate(self.directory / "watch.log", 0)
            self.assertIsNone(watch.poll())


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

    def test_workers_attach_again_soon_after_the_coordinator_is_back(self):
        cluster = self.cluster()
        coordinator = cluster.coordinator()
        cluster.learner()
        cluster.actor()

        def attached():
            return len(cluster.call_json("workers", "list")) == 2
        wait_until(attached, "two workers")
        coordinator.kill()
        coordinator.wait()
        time.sleep(1)  # by then, attempts to connect have become rare
        cluster.coordinator()
        wait_until(attached, "two workers again", timeout=4)

    def test_terminated_daemons_exit_cleanly(self):
        cluster = self.cluster()
        daemons = [cluster.coordinator(), cluster.learner(), cluster.actor()]
        wait_until(lambda: len(cluster.call_json("workers", "list")) == 2, "two workers")
        for daemon in reversed(daemons):
            daemon.send_signal(signal.SIGTERM)
            self.assertEqual(0, daemon.wait(timeout=10))


class Threads(TestCase):
    def test_one_actor_of_several_threads_gives_the_same_result_and_accounts_for_all(self):
        cluster = self.cluster()
        cluster.coordinator()
        cluster.learner()
        actor = cluster.actor("--threads", 3)
        finished = cluster.finish(cluster.submit(CANONICAL))
        self.assert_succeeded(finished)
        self.assertEqual(digests(call_json("run", CANONICAL, "--data_dir", self.directory / "run")), digests(finished))

        def account():
            (worker,) = (w for w in cluster.call_json("workers", "list") if w["kind"] == "actor")
            return worker["trajectories"]

        def adds_up(counts):
            return counts["produced"] == sum(counts[k] for k in ("accepted", "rejected", "lost", "in_flight"))
        self.assertTrue(adds_up(account()), account())
        wait_until(lambda: account()["accepted"] > 0 and account()["in_flight"] == 0, "the last heartbeat")
        actor.send_signal(signal.SIGTERM)
        self.assertEqual(0, actor.wait(timeout=10))

    def test_refuses_a_number_of_threads_that_is_none(self):
        for threads in ("0", "-1", "many", "2000"):
            done = subprocess.run([BIN / "understudy-actor", "--threads", threads], capture_output=True, text=True,
                                  timeout=TIMEOUT)
            self.assertNotEqual(0, done.returncode, threads)
            self.assertIn("--threads", done.stderr + done.stdout)


class Programs(TestCase):
    def test_none_links_libtorch(self):
        for program in ("understudy", "understudy-coordinator", "understudy-learner", "understudy-actor"):
            libraries = subprocess.run(["ldd", BIN / program], capture_output=True, text=True, check=True).stdout
            self.assertNotIn("libtorch", libraries, program)

    @unittest.skipUnless((BIN / "libunderstudy_autograd.so").exists(), "built without LibTorch")
    def test_a_gpu_that_is_not_there_fails_the_stage_by_name_and_a_slow_blas_is_told_of(self):
        reference = next(pathlib.Path("/usr/lib").glob("*/blas/libblas.so.3")).parent
        for path, warned in ((str(reference), True), ("", False)):
            with tempfile.TemporaryDirectory() as directory:
                experiment = pathlib.Path(directory) / "gpu.yaml"
                experiment.write_text(CANONICAL.read_text().replace("algorithm: ppo", "algorithm: ppo, device: cuda"))
                run = subprocess.run([BIN / "understudy", "run", experiment, "--data_dir", f"{directory}/data"],
                                     capture_output=True, text=True, timeout=TIMEOUT,
                                     env={**os.environ, "LD_LIBRARY_PATH": path})
                self.assertEqual(1, run.returncode)
                self.assertIn("device cuda: this machine's LibTorch has no CUDA", run.stdout + run.stderr)
                self.assertEqual(warned, "reference BLAS" in run.stderr, run.stderr)

    def test_every_command_has_help_with_an_example(self):
        commands = [["understudy", *words.split()] for words in (
            "", "run", "experiments", "experiments submit", "experiments list", "experiments show", "experiments watch",
            "experiments cancel", "experiments pause", "experiments resume", "workers list", "datasets",
            "datasets list", "datasets show", "datasets digest",
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
