"""Stages alone and together: stored datasets and policies, distillation, several experiments, cancelling, restarting."""

import signal
import unittest

from understudy import EXPERIMENTS, TestCase, call, call_json, digests, wait_until

CANONICAL = EXPERIMENTS / "cartpole.yaml"
HEAD = "name: {name}\nenvironment: CartPole-v1\nstages:\n"


class StoredThings(TestCase):
    """One data directory, and what later experiments make of what earlier ones left there."""

    def experiment(self, name, *stages):
        return self.write(f"{name}.yaml", HEAD.format(name=name) + "".join(f"  - {stage}\n" for stage in stages))

    def run_here(self, path):
        experiment = call_json("run", path, "--data_dir", self.directory / "data")
        self.assert_succeeded(experiment)
        return experiment["stages"]

    def test_are_used_by_later_experiments(self):
        expert, collected, clone, _ = self.run_here(CANONICAL)

        # From demonstrations that are there already, with the same seed: the very same clone.
        cloned, _ = self.run_here(EXPERIMENTS / "cartpole_from_demonstrations.yaml")
        self.assertEqual((clone["policy_digest"], clone["policy_version"]),
                         (cloned["policy_digest"], cloned["policy_version"]))
        self.assertTrue(cloned["converged"])

        # A stored expert by name and version: not trained again; the same recipe is the same dataset.
        recorded, evaluated = self.run_here(self.experiment(
            "stored", "collect: {policy: expert@1, dataset: again, transitions: 10000, seed: 0}",
            "evaluate: {policy: expert, episodes: 20, seed: 3, actions: sample}"))
        self.assertEqual(collected["digest"], recorded["digest"])
        self.assertEqual((expert["policy_version"], 20), (evaluated["policy_version"], evaluated["episodes"]))

        # Training goes on from a stored policy: a new version.
        tuned, = self.run_here(self.experiment(
            "tuned", "train: {policy: expert, algorithm: ppo, initial: expert@1, seed: 7, environment_steps: 4096}"))
        self.assertEqual(2, tuned["policy_version"])
        self.assertFalse(tuned["converged"])
        self.assertEqual(0, tuned["evaluation_episodes"])
        self.assertNotEqual(expert["policy_digest"], tuned["policy_digest"])
        versions = [p["version"] for p in call_json("policies", "list", "--data_dir", self.directory / "data")
                    if p["name"] == "expert"]
        self.assertEqual([1, 2], versions)

    def test_distillation_clones_from_logits_and_value(self):
        stages = self.run_here(EXPERIMENTS / "cartpole_distillation.yaml")
        self.assertTrue(stages[2]["converged"])

    def test_evaluation_replays_neither_demonstrations_nor_anything_of_training(self):
        """Of a policy that falls at other times in each episode, under equal seeds."""
        trained, collected, evaluated, again = self.run_here(self.experiment(
            "seeds", "train: {policy: beginner, algorithm: ppo, environment_steps: 1024, seed: 5, "
            "stop: {mean_return: 475, episodes: 40}}",
            "collect: {policy: beginner, dataset: falls, episodes: 40, seed: 5, actions: greedy}",
            "evaluate: {policy: beginner, episodes: 40, seed: 5}", "evaluate: {policy: beginner, episodes: 40, seed: 5}"))
        self.assertEqual(40, trained["evaluation_episodes"])
        self.assertEqual(3, len({stage["mean_return"] for stage in (trained, collected, evaluated)}))
        self.assertEqual(evaluated["mean_return"], again["mean_return"])

    def test_collect_by_episodes_and_greedily(self):
        self.run_here(CANONICAL)
        sampled, greedy = self.run_here(self.experiment(
            "counts", "collect: {policy: expert, dataset: five, episodes: 5, seed: 9}",
            "collect: {policy: expert, dataset: five-greedy, episodes: 5, seed: 9, actions: greedy}"))
        self.assertEqual((5, 5), (sampled["episodes"], greedy["episodes"]))
        self.assertNotEqual(sampled["digest"], greedy["digest"])

    def test_not_converging_fails_only_where_it_is_required(self):
        lazy = "train: {{policy: p, algorithm: ppo, environment_steps: 2048, stop: {{mean_return: 499}}{}}}"
        lenient, = self.run_here(self.experiment("lenient", lazy.format("")))
        self.assertFalse(lenient["converged"])
        done = call("run", self.experiment("strict", lazy.format(", require: converged")), "--data_dir",
                    self.directory / "data", "--json")
        self.assertEqual(1, done.returncode)
        self.assertIn("converge", done.stdout)


class StepLatency(TestCase):
    def test_changes_no_result_and_no_recipe(self):
        here = self.directory / "here"
        plain = call_json("run", CANONICAL, "--data_dir", here)
        slow = self.write("slow.yaml", CANONICAL.read_text() + "step_latency: 200us\n")
        slowly = call_json("run", slow, "--actors", "3", "--data_dir", self.directory / "slow")
        self.assert_succeeded(slowly)
        self.assertEqual(digests(plain), digests(slowly))
        # Collected already, by the same recipe: nobody waits ten seconds for a step.
        again = call_json("run", self.write("again.yaml", HEAD.format(name="again").replace("stages", (
            "step_latency: 10s\nstages")) + "  - collect: {policy: expert@1, dataset: cartpole-expert, "
            "transitions: 10000}\n"), "--data_dir", here)
        self.assert_succeeded(again)
        self.assertEqual(digests(plain)[1], digests(again)[0])

    def test_holds_nothing_up_that_ends(self):
        """A step takes ten seconds, a request more than an hour."""
        cluster = self.cluster()
        for start in (cluster.coordinator, cluster.learner):
            start()
        actor = cluster.actor()
        slow = self.write("slow.yaml", "step_latency: 10s\n" + CANONICAL.read_text())

        def works():
            stages = cluster.call_json("experiments", "show", experiment)["stages"]
            return stages[0].get("progress", {}).get("iteration", 0) == 0 and "rolling out" in log()

        def log():
            return (self.directory / "understudy-actor-2.log").read_text()
        experiment = cluster.submit(slow)
        wait_until(works, "an assignment")
        cluster.call_json("experiments", "cancel", experiment)
        self.assert_succeeded(cluster.finish(cluster.submit(CANONICAL)))
        rolled_out = log().count("rolling out")
        experiment = cluster.submit(self.write("other.yaml", slow.read_text().replace("name: cartpole", "name: other")))
        wait_until(lambda: log().count("rolling out") > rolled_out, "another assignment")
        actor.send_signal(signal.SIGTERM)
        wait_until(lambda: "draining" in log(), "the first signal")
        actor.send_signal(signal.SIGTERM)
        self.assertEqual(0, actor.wait(timeout=5))


class Sharing(TestCase):
    def test_experiments_at_once_share_the_workers(self):
        cluster = self.cluster()
        cluster.coordinator()
        for start in (cluster.learner, cluster.learner, cluster.actor):
            start()
        first = CANONICAL.read_text()
        ids = [cluster.submit(self.write(f"{n}.yaml", first.replace("cartpole-expert", f"data-{n}")
                                         .replace("expert,", f"expert-{n},").replace("clone,", f"clone-{n},")))
               for n in range(3)]
        finished = [cluster.finish(i) for i in ids]
        for experiment in finished:
            self.assert_succeeded(experiment)
        self.assertEqual(1, len({e["stages"][1]["digest"] for e in finished}))
        self.assertEqual(1, len({e["stages"][2]["policy_digest"] for e in finished}))

    def test_cancel_ends_a_running_and_a_waiting_experiment(self):
        endless = self.write("endless.yaml", HEAD.format(name="endless") + (
            "  - train: {policy: p, algorithm: ppo, environment_steps: 1000000000, stop: {mean_return: 100000}}\n"))
        cluster = self.cluster()
        cluster.coordinator()
        cluster.learner()
        cluster.actor()
        running, waiting = cluster.submit(endless), cluster.submit(endless)

        def iterating():
            shown = cluster.call_json("experiments", "show", running)
            return shown["stages"][0]["status"] == "RUNNING"
        wait_until(iterating, "training")
        for experiment in (waiting, running):
            self.assertEqual(0, cluster.call("experiments", "cancel", experiment).returncode)
            self.assertEqual("CANCELLED", cluster.finish(experiment)["status"])
        # The workers are free for the next.
        self.assert_succeeded(cluster.finish(cluster.submit(CANONICAL)))

    def test_restarted_coordinator_finds_what_it_had(self):
        cluster = self.cluster()
        coordinator = cluster.coordinator()
        cluster.learner()
        cluster.actor()
        before = cluster.finish(cluster.submit(CANONICAL))
        self.assert_succeeded(before)
        coordinator.send_signal(signal.SIGKILL)
        coordinator.wait()
        cluster.coordinator()
        after = cluster.call_json("experiments", "show", before["id"])
        self.assertEqual(before, after)
        self.assertEqual(before["stages"][1]["digest"],
                         cluster.call("datasets", "digest", "cartpole-expert").stdout.strip())
        # Its workers come back by themselves.
        again = cluster.finish(cluster.submit(CANONICAL))
        self.assert_succeeded(again)
        self.assertEqual(before["stages"][0]["policy_digest"], again["stages"][0]["policy_digest"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
