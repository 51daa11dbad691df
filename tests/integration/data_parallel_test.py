"""Stages that several learners train together, in real processes: what comes out is what one learner makes, but for the
last bits, and always the same, whoever dies on the way."""

import json
import pathlib
import re
import signal
import tempfile
import time
import unittest
import urllib.request

from understudy import TIMEOUT, TestCase, call, call_json, digests, free_port, log_of, make_certificates, wait_until

EXPERIMENT = """
name: parallel
environment: CartPole-v1
stages:
  - train: {policy: expert, algorithm: ppo, seed: 0, learners: 2, stop: {mean_return: 475, episodes: 100}}
  - collect: {policy: expert, dataset: demonstrations, transitions: 10000, seed: 0}
  - train: {policy: clone, algorithm: bc, dataset: demonstrations, seed: 314, learners: 2, stop: {mean_return: 475, episodes: 100}}
"""
# Long enough to be disturbed: a step waits; no rule is reached.
LONG = """
name: long
environment: CartPole-v1
step_latency: 1ms
stages:
  - train:
      {policy: expert, algorithm: ppo, seed: 0, slots: 31, epochs: 2, minibatch_size: 992, environment_steps: 60000,
       learners: 2, stop: {mean_return: 100000, episodes: 4, interval: 10}}
  - collect: {policy: expert, dataset: demonstrations, episodes: 20, seed: 0}
  - train:
      {policy: clone, algorithm: bc, dataset: demonstrations, seed: 314, epochs: 400, minibatch_size: 1000, patience: 0,
       learners: 2}
"""
# One iteration: after it, two policies that differ in their last bits act differently sooner or later.
ONE_ITERATION = """
name: iteration
environment: CartPole-v1
stages:
  - train: {{policy: expert, algorithm: ppo, seed: 0, slots: 31, environment_steps: 992, learners: {learners}}}
"""


# Diverges in the second iteration, while what the first one came to is being evaluated, and reaches the rule.
DIVERGING = """
name: diverging
environment: CartPole-v1
stages:
  - train:
      {{policy: expert, algorithm: ppo, seed: 0, learners: {learners}, slots: 8, steps_per_slot: 64, epochs: 1,
       minibatch_size: 512, environment_steps: 100000, learning_rate: 10, learning_rate_schedule: constant,
       network: {{hidden_sizes: [{hidden}], activation: relu}}{stop}}}
"""


def scrape(port, metric):
    """The sum of a metric's values at a process."""
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    return sum(float(value) for value in re.findall(rf"^{metric}(?:{{.*}})? (\S+)$", text, re.MULTILINE))


def diverging(learners, stop):
    return DIVERGING.format(learners=learners, hidden=", ".join(["64"] * 14),
                            stop=", stop: {mean_return: 5, episodes: 2000, interval: 1}" if stop else "")


class DataParallel(TestCase):
    def run_alone(self, experiment, actors=1):
        done = call_json("run", experiment, "--actors", actors, "--data_dir", self.directory / f"alone{actors}")
        self.assert_succeeded(done)
        return done

    def waiting_for(self, cluster, experiment):
        return cluster.call_json("experiments", "show", experiment)["stages"][0].get("waiting_for", "")

    def test_run_starts_the_learners_and_any_number_of_actors_gives_the_same(self):
        experiment = self.write("parallel.yaml", EXPERIMENT)
        once = self.run_alone(experiment, actors=1)
        self.assertEqual(digests(once), digests(self.run_alone(experiment, actors=3)))
        for stage in (0, 2):
            self.assertTrue(once["stages"][stage]["converged"], json.dumps(once["stages"][stage]))
            trajectories = once["stages"][stage]["trajectories"]
            self.assertEqual(trajectories["produced"], trajectories["accepted"] + trajectories["rejected"])

    def test_more_learners_are_one_learner_to_float_tolerance(self):
        cluster = self.cluster()
        cluster.coordinator()
        cluster.actor()
        for _ in range(3):
            cluster.learner()
        metrics = {}
        for learners in (1, 2, 3):
            experiment = cluster.submit(self.write("iteration.yaml", ONE_ITERATION.format(learners=learners)))
            self.assert_succeeded(cluster.finish(experiment))
            rows = cluster.call_json("experiments", "metrics", experiment)
            self.assertEqual(1, len(rows))
            metrics[learners] = {name: value for name, value in rows[0]["metrics"].items() if name != "seconds"}
        for learners in (2, 3):
            self.assertEqual(metrics[1].keys(), metrics[learners].keys())
            for name, value in metrics[1].items():
                self.assertAlmostEqual(value, metrics[learners][name], delta=1e-4 + 1e-4 * abs(value), msg=name)

    def test_a_stage_waits_for_all_its_learners(self):
        cluster = self.cluster()
        cluster.coordinator()
        cluster.actor()
        cluster.learner()
        experiment = cluster.submit(self.write("parallel.yaml", EXPERIMENT))
        wait_until(lambda: "learners" in self.waiting_for(cluster, experiment), "waiting for learners")
        cluster.learner()
        self.assert_succeeded(cluster.finish(experiment))

    def test_a_divergence_is_that_of_one_learner(self):
        for learners in (1, 2):
            done = call("run", self.write("diverging.yaml", diverging(learners, stop=False)), "--json", "--data_dir",
                        self.directory / f"fails{learners}")
            self.assertNotEqual(0, done.returncode)
            self.assertRegex(json.loads(done.stdout)["stages"][0]["error"], "^ppo: .* training has diverged")
            # What failed would not have been tried, had the evaluation been quicker.
            for attempt in range(3):
                self.assert_succeeded(call_json(
                    "run", self.write("diverging.yaml", diverging(learners, stop=True)), "--data_dir",
                    self.directory / f"reached{learners}-{attempt}"))

    def test_the_stages_account_is_that_of_its_sinks(self):
        cluster = self.cluster()
        cluster.coordinator()
        ports = [free_port(), free_port()]
        for port in ports:
            cluster.learner("--metrics_port", port)
            cluster.actor()
        experiment = cluster.submit(self.write("lagging.yaml", EXPERIMENT.replace(
            "learners: 2, stop: {mean_return: 475", "learners: 2, max_policy_lag: 1, stop: {mean_return: 100", 1)))
        cluster.call("experiments", "watch", experiment)
        stages = cluster.call_json("experiments", "show", experiment)["stages"]
        told = [stages[stage]["trajectories"] for stage in (0, 2)]
        for what in ("produced", "accepted", "rejected"):
            counted = sum(scrape(port, f"understudy_trajectories_{what}_total") for port in ports)
            superseded = sum(scrape(port, "understudy_trajectories_superseded_total") for port in ports)
            expected = {"produced": 0, "accepted": superseded, "rejected": -superseded}[what]
            self.assertEqual(sum(account[what] for account in told) + expected, counted, what)

    def test_with_mutual_tls(self):
        cluster = self.cluster(make_certificates(self.directory / "tls"))
        cluster.coordinator()
        for _ in range(2):
            cluster.learner()
            cluster.actor()
        self.assert_succeeded(cluster.finish(cluster.submit(self.write("parallel.yaml", EXPERIMENT))))


class Deaths(TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory(prefix="understudy-test-") as directory:
            path = pathlib.Path(directory) / "long.yaml"
            path.write_text(LONG)
            cls.undisturbed = digests(call_json("run", path, "--data_dir", f"{directory}/data"))

    def setUp(self):
        super().setUp()
        self.running = self.cluster()
        self.coordinator = self.running.coordinator()
        self.running.actor()
        self.running.actor()
        self.learners = [self.running.learner() for _ in range(2)]
        self.id = self.running.submit(self.write("long.yaml", LONG))
        self.await_iteration(3)

    def await_iteration(self, iteration, stage=0):
        def trains():
            state = self.running.call_json("experiments", "show", self.id)["stages"][stage]
            return state.get("progress", {}).get("iteration", 0) >= iteration
        wait_until(trains, f"iteration {iteration} of stage {stage}", TIMEOUT)

    def learners_by_rank(self):
        """{rank: process} of those that have the running stage."""
        by_pid = {process.pid: process for process in self.learners}
        return {worker["rank"]: by_pid[worker["pid"]] for worker in self.running.call_json("workers", "list")
                if worker["kind"] == "learner" and "rank" in worker}

    def assert_undisturbed(self):
        done = self.running.finish(self.id)
        self.assert_succeeded(done)
        self.assertEqual(self.undisturbed, digests(done))
        iterations = [row["iteration"] for row in self.running.call_json("experiments", "metrics", self.id)]
        self.assertEqual(list(range(1, len(iterations) + 1)), iterations)

    def rank(self, rank):
        found = []

        def is_there():
            found[:] = filter(None, [self.learners_by_rank().get(rank)])
            return found
        wait_until(is_there, f"rank {rank}")
        return found[0]

    def test_rank_0_dies_and_a_new_learner_takes_its_place(self):
        self.rank(0).kill()
        self.learners.append(self.running.learner())
        self.assert_undisturbed()

    def test_rank_1_dies_and_a_new_learner_takes_its_place(self):
        self.rank(1).kill()
        self.learners.append(self.running.learner())
        self.assert_undisturbed()

    def test_a_rank_dies_while_cloning(self):
        self.await_iteration(20, stage=2)
        self.rank(1).kill()
        self.learners.append(self.running.learner())
        self.assert_undisturbed()

    def test_a_spare_learner_takes_over_at_once(self):
        self.learners.append(self.running.learner())
        wait_until(lambda: len(self.running.call_json("workers", "list")) == 5, "a third learner")
        killed = self.rank(1)
        began = time.monotonic()
        killed.kill()
        def goes_on():
            ranks = self.learners_by_rank()
            return len(ranks) == 2 and killed not in ranks.values()
        wait_until(goes_on, "two other learners", timeout=5)
        self.assertLess(time.monotonic() - began, 5)
        self.assert_undisturbed()

    def test_a_rank_that_is_told_to_end_leaves_after_a_stored_iteration(self):
        for rank in (1, 0):
            leaving = self.rank(rank)
            self.learners.append(self.running.learner())
            leaving.send_signal(signal.SIGTERM)
            self.assertEqual(0, leaving.wait(timeout=TIMEOUT), log_of(leaving))
        self.assert_undisturbed()

    def test_a_stopped_rank_is_replaced_and_fenced(self):
        stopped = self.rank(1)
        stopped.send_signal(signal.SIGSTOP)
        self.learners.append(self.running.learner())
        self.assert_undisturbed()
        stopped.send_signal(signal.SIGCONT)
        wait_until(lambda: "given up" in log_of(stopped), "the fenced learner's giving up")
        self.assertIsNone(stopped.poll())

    def test_the_coordinator_dies_and_both_learners_go_on(self):
        self.coordinator.kill()
        self.coordinator.wait()
        self.running.coordinator()
        self.assert_undisturbed()
        for learner in self.learners:
            self.assertIsNone(learner.poll())

    def test_everybody_dies(self):
        for process in self.running.processes:
            process.kill()
            process.wait()
        self.running.coordinator()
        for _ in range(2):
            self.running.learner()
            self.running.actor()
        self.assert_undisturbed()


if __name__ == "__main__":
    unittest.main()
