"""The judges of a round must be able to say no."""

import copy
import importlib.machinery
import importlib.util
import pathlib
import struct
import unittest

import checks
import schedule
from processes import Failure

ACCOUNTING = {"produced": 9, "accepted": 5, "rejected": 2, "rejected_by_reason": {"stale": 2}, "lost": 1,
              "in_flight": 1}
STAGE = {"name": "expert", "kind": "train", "status": "SUCCEEDED", "iterations": 2, "policy_digest": "ab",
         "wall_seconds": 1.5, "trajectories": ACCOUNTING}
OUTCOME = {"experiment": {"stages": [STAGE]},
           "metrics": {0: [(1, {"done": 64, "metrics": {"loss": 0.5}}), (2, {"done": 128, "metrics": {"loss": 0.25}})]}}


def changed(change):
    outcome = copy.deepcopy(OUTCOME)
    change(outcome["experiment"]["stages"][0], outcome["metrics"])
    return outcome


class Compare(unittest.TestCase):
    def refuse(self, change, text):
        with self.assertRaisesRegex(Failure, text):
            checks.compare(OUTCOME, changed(change))

    def test_overlooks_time_alone(self):
        checks.compare(OUTCOME, changed(lambda stage, metrics: stage.update(wall_seconds=9)))

    def test_refuses_another_result(self):
        self.refuse(lambda stage, metrics: stage.update(policy_digest="ac"), "policy_digest: expected ab, found ac")
        self.refuse(lambda stage, metrics: stage.pop("policy_digest"), "policy_digest: expected ab, found None")
        self.refuse(lambda stage, metrics: stage.update(error="odd"), "error: expected None, found odd")

    def test_refuses_another_metric(self):
        self.refuse(lambda stage, metrics: metrics[0][1][1]["metrics"].update(loss=0.26), "stage 1, iteration 2")

    def test_refuses_another_number_of_accepted_trajectories(self):
        self.refuse(lambda stage, metrics: stage["trajectories"].update(accepted=6), "accepted: expected 5, found 6")


class Metrics(unittest.TestCase):
    def refuse(self, iterations):
        with self.assertRaisesRegex(Failure, "iterations in the metrics of stage 1"):
            checks.check_metrics({0: [(iteration, {}) for iteration in iterations]}, OUTCOME["experiment"])

    def test_have_neither_gap_nor_duplicate_nor_lack(self):
        checks.check_metrics(OUTCOME["metrics"], OUTCOME["experiment"])
        for iterations in ([1], [1, 3], [1, 1, 2], [2, 1], [1, 2, 3], []):
            self.refuse(iterations)

    def test_are_read_from_the_wire_but_for_the_time(self):
        # By hand, after experiments.proto: iteration 300, unit "steps", metrics {loss: 0.5, seconds: 7}.
        def entry(name, value):
            content = bytes([0x0A, len(name)]) + name + b"\x11" + struct.pack("<d", value)
            return bytes([0x32, len(content)]) + content
        message = b"\x08\xac\x02" + b"\x22\x05steps" + entry(b"loss", 0.5) + entry(b"seconds", 7)
        self.assertEqual({"iteration": 300, "unit": b"steps", "metrics": {"loss": 0.5}}, checks.parse_progress(message))


class Accounting(unittest.TestCase):
    def test_must_add_up(self):
        checks.check_accounting(ACCOUNTING, "x")
        for key in ("produced", "accepted", "rejected", "lost", "in_flight"):
            with self.assertRaisesRegex(Failure, "accounting of x"):
                checks.check_accounting({**ACCOUNTING, key: 3}, "x")
        with self.assertRaisesRegex(Failure, "by reason"):
            checks.check_accounting({**ACCOUNTING, "rejected_by_reason": {"stale": 1}}, "x")

    def test_covers_what_is_stored(self):
        collect = {"kind": "collect", "episodes": 5, "trajectories": ACCOUNTING}
        checks.check_stage_accounting(collect, "x")
        with self.assertRaisesRegex(Failure, "5 accepted, fewer than the 6"):
            checks.check_stage_accounting({**collect, "episodes": 6}, "x")
        with self.assertRaisesRegex(Failure, "there is none"):
            checks.check_stage_accounting({"kind": "train"}, "x")


class Schedule(unittest.TestCase):
    def test_is_the_seeds(self):
        def rounds(seed):
            return [schedule.processes_round(seed, number, 1.2, schedule.KINDS, False) for number in range(50)]
        self.assertEqual(rounds(1), rounds(1))
        self.assertNotEqual(rounds(1), rounds(2))
        incidents = [incident for plan in rounds(1) for incident in plan.incidents]
        self.assertEqual({"SIGKILL", "SIGSTOP"}, {incident.action for incident in incidents})
        self.assertLessEqual({"actor-1", "learner", "coordinator", "all"}, {incident.target for incident in incidents})


class Growth(unittest.TestCase):
    def test_is_the_rise_of_the_line_through_the_samples(self):
        loader = importlib.machinery.SourceFileLoader("soak", str(pathlib.Path(__file__).with_name("soak")))
        soak = importlib.util.module_from_spec(importlib.util.spec_from_loader("soak", loader))
        loader.exec_module(soak)
        self.assertAlmostEqual(90, soak.growth([(0, 100), (10, 130), (20, 160), (30, 190)]))
        self.assertAlmostEqual(0, soak.growth([(0, 100), (10, 130), (20, 130), (30, 100)]))
        flat = [(second, 50_000) for second in range(30)]
        growing = [(second, 50_000 + 1000 * second) for second in range(30)]
        self.assertEqual(1, soak.judge({"flat": flat, "growing": growing}))


if __name__ == "__main__":
    unittest.main(verbosity=2)
