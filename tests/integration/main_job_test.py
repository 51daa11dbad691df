"""The main job as a user runs it: train an expert, record it, clone it."""

import itertools
import json
import math
import unittest

import cartpole_reference
from understudy import EXPERIMENTS, TestCase, call, call_json, digests

CANONICAL = EXPERIMENTS / "cartpole.yaml"


class MainJob(TestCase):
    def run_canonical(self, data, actors=2):
        experiment = call_json("run", CANONICAL, "--actors", actors, "--data_dir", data)
        self.assert_succeeded(experiment)
        return experiment

    def test_reports_every_stage(self):
        experiment = self.run_canonical(self.directory / "data")
        self.assertEqual("cartpole", experiment["experiment"])
        self.assertGreater(experiment["wall_seconds"], 0)
        train, collect, clone, evaluate = experiment["stages"]
        self.assertEqual(["train", "collect", "train", "evaluate"], [s["kind"] for s in experiment["stages"]])

        self.assertEqual(("ppo", "expert", 1), (train["algorithm"], train["policy"], train["policy_version"]))
        self.assertEqual(("bc", "clone", 1), (clone["algorithm"], clone["policy"], clone["policy_version"]))
        for stage in (train, clone):
            self.assertTrue(stage["converged"])
            self.assertGreaterEqual(stage["mean_return"], 475)
            self.assertEqual(100, stage["evaluation_episodes"])
            self.assertGreater(stage["updates"], 0)
            self.assertRegex(stage["policy_digest"], "^[0-9a-f]{64}$")
        self.assertLessEqual(train["environment_steps"], 153_600)
        # Sampled actions cannot be predicted better than the expert was decided; 0.5 would be guessing.
        self.assertGreater(clone["validation_accuracy"], 0.65)
        self.assertTrue(math.isfinite(clone["train_loss"]) and math.isfinite(clone["validation_loss"]))

        self.assertEqual("cartpole-expert", collect["dataset"])
        self.assertGreaterEqual(collect["transitions"], 10_000)
        self.assertRegex(collect["digest"], "^[0-9a-f]{64}$")

        self.assertEqual(("clone", 1, 100), (evaluate["policy"], evaluate["policy_version"], evaluate["episodes"]))
        self.assertGreaterEqual(evaluate["mean_return"], 475)
        self.assertLessEqual(evaluate["min_return"], evaluate["mean_return"])
        self.assertLessEqual(evaluate["mean_return"], evaluate["max_return"])
        self.assertLessEqual(evaluate["max_return"], 500)

    def test_is_bitwise_the_same_with_any_number_of_actors_and_again(self):
        runs = [self.run_canonical(self.directory / f"data-{actors}", actors) for actors in (1, 2, 3)]
        self.assertEqual(digests(runs[0]), digests(runs[1]))
        self.assertEqual(digests(runs[0]), digests(runs[2]))
        # Into a directory that holds it already: nothing is stored a second time, and nothing is different.
        again = self.run_canonical(self.directory / "data-1", 2)
        self.assertEqual(digests(runs[0]), digests(again))
        self.assertEqual(1, len(call_json("datasets", "list", "--data_dir", self.directory / "data-1")))

    def test_policy_lag_is_bitwise_the_same_with_any_number_of_actors_and_of_the_learners_threads(self):
        runs = []
        for actors, threads in ((1, 1), (3, 2)):
            experiment = self.directory / f"lag-{actors}.yaml"
            experiment.write_text(CANONICAL.read_text().replace(
                "algorithm: ppo", f"algorithm: ppo, max_policy_lag: 1, threads: {threads}"))
            runs.append(call_json("run", experiment, "--actors", actors, "--data_dir", self.directory / f"lag-{actors}"))
            self.assert_succeeded(runs[-1])
        self.assertEqual(digests(runs[0]), digests(runs[1]))
        self.assertNotEqual(digests(runs[0]), digests(self.run_canonical(self.directory / "on-policy")))

    def test_another_seed_is_another_expert(self):
        text = CANONICAL.read_text().replace("seed: 0, stop", "seed: 5, stop")
        self.assertNotEqual(CANONICAL.read_text(), text)
        other = call_json("run", self.write("seed5.yaml", text), "--data_dir", self.directory / "data")
        self.assert_succeeded(other)
        self.assertNotEqual(digests(self.run_canonical(self.directory / "zero"))[0], digests(other)[0])

    def test_dataset_replays_through_independent_dynamics(self):
        data = self.directory / "data"
        collect = self.run_canonical(data)["stages"][1]
        steps = self.export(data)
        self.assertEqual(collect["transitions"], len(steps))

        episodes = [list(group) for _, group in itertools.groupby(steps, key=lambda s: s["episode"])]
        self.assertEqual(list(range(collect["episodes"])), [e[0]["episode"] for e in episodes])
        # Whole episodes only, and not one more than it takes.
        self.assertLess(len(steps) - len(episodes[-1]), 10_000)
        for episode in episodes:
            self.replay(episode)
        returns = [sum(s["reward"] for s in episode) for episode in episodes]
        self.assertAlmostEqual(sum(returns) / len(returns), collect["mean_return"])

        shown = call("datasets", "digest", "cartpole-expert", "--data_dir", data)
        self.assertEqual(collect["digest"], shown.stdout.strip())
        self.assertEqual(0, call("datasets", "verify", "cartpole-expert", "--data_dir", data).returncode)

    def export(self, data):
        output = self.directory / "steps.jsonl"
        done = call("datasets", "export", "cartpole-expert", "--format", "jsonl", "--output", output, "--data_dir", data)
        self.assertEqual(0, done.returncode, done.stderr)
        return [json.loads(line) for line in output.read_text().splitlines()]

    def replay(self, episode):
        self.assertTrue(all(abs(v) <= 0.05 for v in episode[0]["observation"]))
        for index, step in enumerate(episode):
            self.assertEqual(index, step["step"])
            self.assertEqual(("expert", 1, 1.0), (step["policy"], step["policy_version"], step["reward"]))
            self.assertLessEqual(step["log_prob"], 0)
            if index > 0:
                self.assertEqual(episode[index - 1]["next_observation"], step["observation"])
            # From the recorded float32 observation, one step cannot drift beyond float32 rounding.
            state, fell = cartpole_reference.step(step["observation"], step["action"])
            for ours, theirs in zip(step["next_observation"], state):
                self.assertAlmostEqual(ours, theirs, delta=2e-6)
            last = index == len(episode) - 1
            near_limit = abs(abs(state[0]) - 2.4) < 1e-5 or abs(abs(state[2]) - math.radians(12)) < 1e-5
            if not near_limit:
                self.assertEqual(fell, step["terminated"])
            self.assertEqual(index + 1 == 500, step["truncated"])
            self.assertEqual(last, step["terminated"] or step["truncated"])


class FourProcessesByHand(TestCase):
    def test_in_any_order_do_the_same_as_run(self):
        cluster = self.cluster()
        cluster.actor()
        cluster.learner()
        cluster.actor()
        cluster.coordinator()
        experiment = cluster.finish(cluster.submit(CANONICAL))
        self.assert_succeeded(experiment)
        self.assertEqual(digests(call_json("run", CANONICAL, "--data_dir", self.directory / "run")), digests(experiment))

        workers = cluster.call_json("workers", "list")
        self.assertEqual(3, len(workers))
        self.assertEqual([experiment["id"]], [e["id"] for e in cluster.call_json("experiments", "list")])


if __name__ == "__main__":
    unittest.main(verbosity=2)
