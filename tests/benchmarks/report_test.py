#!/usr/bin/python3
"""The arithmetic of the benchmarks' report, against figures worked out by hand."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import blas  # noqa: E402
import report  # noqa: E402
import scaling_figures  # noqa: E402
from measuring import Benchmark, Comparison, Contestant, Context, Outcome, Row, Unavailable, measure  # noqa: E402


def benchmark(rows, *contestants, **options):
    return Benchmark("one", "A title", rows, tuple(Contestant(name, run) for name, run in contestants), **options)


def figures_of(rows, rounds, left_out=None):
    """Of rounds as they might have been measured: {key: [values]}."""
    return report.figures(Outcome(benchmark(rows), rounds, left_out or {}, []))


class Measuring(unittest.TestCase):
    def test_contestants_take_turns_forwards_and_backwards(self):
        seen = []
        one = ("one", lambda context: seen.append((context.round, "one")) or {"a": 1})
        two = ("two", lambda context: seen.append((context.round, "two")) or {"b": 2})
        measure(benchmark((Row("a", "", ""), Row("b", "", "")), one, two), Context(None, quick=False), rounds=2)
        self.assertEqual(seen, [(0, "one"), (0, "two"), (1, "two"), (1, "one")])

    def test_who_is_unavailable_is_asked_once_and_left_out_with_the_reason(self):
        asked = []

        def missing(context):
            asked.append(context.round)
            raise Unavailable("install it")
        rows = (Row("a", "", ""), Row("b", "", ""))
        found = measure(benchmark(rows, ("here", lambda context: {"a": 1}), ("gone", missing)),
                        Context(None, quick=False), rounds=3)
        self.assertEqual((found.values, found.left_out, asked), ({"a": [1, 1, 1]}, {"gone": "install it"}, [0]))

    def test_quick_takes_fewer_rounds_and_what_was_set_up_is_torn_down_after_a_failure(self):
        torn = []
        rows = (Row("a", "", ""),)
        found = measure(benchmark(rows, ("one", lambda context: {"a": context.round}), rounds=5, quick_rounds=2),
                        Context(None, quick=True))
        self.assertEqual(found.values, {"a": [0, 1]})
        with self.assertRaises(ZeroDivisionError):
            measure(benchmark(rows, ("one", lambda context: 1 / 0), tear_down=torn.append), Context(None, quick=True))
        self.assertEqual(len(torn), 1)


class Scaling(unittest.TestCase):
    VALUES = {"demonstrations-1": [10, 20], "demonstrations-4": [40, 60], "demonstrations-32": [160, 640],
              **{f"{what}-{n}": [1, 2] for what in ("transitions", "cores") for n in (1, 4, 32)}}
    FOUND = scaling_figures.figures(VALUES, [1, 4, 32])

    def test_shares_of_linear_are_of_the_same_round(self):
        self.assertEqual([figure["share"]["values"] for figure in self.FOUND], [[1, 1], [1, 0.75], [0.5, 1]])
        self.assertEqual(self.FOUND[1]["share"]["median"], 0.875)
        self.assertEqual(self.FOUND[2]["demonstrations"]["max"], 640)

    def test_the_table_replaces_the_one_that_is_there_and_nothing_else(self):
        before = "# Title\n\n| actors | 1 |\n| --- | --- |\n| of linear | 1 |\n\n| other | table |\n"
        table = ("| actors | 1 | 4 | 32 |\n| --- | --- | --- | --- |\n| demonstrations/s | 15.0 | 50.0 | 400 |\n"
                 "| of linear | 1.00 | 0.88 | 0.75 |\n")
        after = scaling_figures.with_table(before, self.FOUND)
        self.assertEqual(after, f"# Title\n\n{table}\n| other | table |\n")
        self.assertEqual(scaling_figures.with_table(after, self.FOUND), after)
        with self.assertRaises(ValueError):
            scaling_figures.with_table("no table", self.FOUND)

    def test_the_picture_is_well_formed_and_within_its_frame(self):
        root = xml.etree.ElementTree.fromstring(scaling_figures.svg(self.FOUND))
        circles = root.findall("{http://www.w3.org/2000/svg}circle")
        self.assertEqual(3, len(circles))
        for circle in circles:
            self.assertTrue(0 < float(circle.get("cx")) < scaling_figures.WIDTH)
            self.assertTrue(0 < float(circle.get("cy")) < scaling_figures.HEIGHT)
        self.assertLess(float(circles[2].get("cy")), float(circles[0].get("cy")))


class Figures(unittest.TestCase):
    RATE = Row("ours", "ours", "steps/s", comparisons=(Comparison(("slow", "fast"), "× baseline", goal=3),))

    def test_ratios_are_of_the_same_round(self):
        found = figures_of((self.RATE, Row("slow", "", ""), Row("fast", "", "")),
                           {"ours": [30, 80, 90], "slow": [1, 1, 1], "fast": [10, 20, 45]})
        (comparison,) = found["rows"][0]["comparisons"]
        # 30/10, 80/20, 90/45 = 3, 4, 2; and the better baseline is the one that counts.
        self.assertEqual([comparison[key] for key in ("to", "median", "min", "max", "reached")],
                         ["fast", 3, 2, 4, True])

    def test_shorter_times_are_better(self):
        row = Row("ours", "ours", "s", lower_is_better=True, goal=1.5,
                  comparisons=(Comparison(("a", "b"), "× baseline"),))
        others = [Row(key, "", "s", lower_is_better=True) for key in "ab"]
        ours = figures_of((row, *others), {"ours": [1, 2], "a": [8, 8], "b": [5, 5]})["rows"][0]
        self.assertEqual((ours["median"], ours["reached"]), (1.5, True))
        # 5/1 and 5/2.
        self.assertEqual((ours["comparisons"][0]["to"], ours["comparisons"][0]["median"]), ("b", 3.75))

    def test_without_a_baseline_there_is_no_comparison(self):
        found = figures_of((self.RATE, Row("slow", "", "")), {"ours": [1]}, {"baseline": "no torch"})
        self.assertEqual(found["rows"][0]["comparisons"], [])
        self.assertIn("!! left out: baseline: no torch", report.table(found))

    def test_a_goal_is_reached_or_not(self):
        found = figures_of((Row("ours", "ours", "x/s", goal=2e6),), {"ours": [1999999]})
        self.assertIs(found["rows"][0]["reached"], False)
        self.assertIn("1,999,999 – 1,999,999  x/s  ≥ 2,000,000: NOT reached", report.table(found))

    def test_a_share_is_printed_in_per_cent(self):
        row = Row("ours", "ours", "GFLOP/s", comparisons=(Comparison(("limit",), "of the limit", share=True),))
        text = report.table(figures_of((row, Row("limit", "limit", "GFLOP/s")), {"ours": [35], "limit": [70]}))
        self.assertRegex(text, r"of the limit +50 % +50 % – 50 %")

    def test_numbers_keep_three_digits(self):
        self.assertEqual([report.number(value) for value in (1234567.8, 999.6, 99.96, 9.996, 0.5, 0.0123, 0)],
                         ["1,234,568", "1000", "100.0", "10.00", "0.500", "0.0123", "0"])


class Blas(unittest.TestCase):
    def test_an_old_core_on_a_newer_processor_is_corrected_to_what_it_has(self):
        avx512 = {"avx2", "fma", "avx512f", "avx512dq", "avx512bw", "avx512vl"}
        self.assertEqual(blas.better_core("Prescott", avx512), "SkylakeX")
        self.assertEqual(blas.better_core("Nehalem", {"avx2", "fma"}), "Haswell")

    def test_a_core_that_is_known_or_old_indeed_stays(self):
        self.assertIsNone(blas.better_core("Zen", {"avx2", "fma"}))
        self.assertIsNone(blas.better_core("Nehalem", {"sse4_2"}))


class Command(unittest.TestCase):
    RUN = pathlib.Path(__file__).resolve().parent / "run"

    def call(self, *arguments):
        return subprocess.run([self.RUN, *map(str, arguments)], capture_output=True, text=True, timeout=120)

    def test_a_benchmark_runs_from_end_to_end_and_writes_json(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "figures.json"
            done = self.call("--quick", "--no-build", "--no-baseline", "--only", "cold_run", "--rounds", 1, "--json",
                             path)
            self.assertEqual(done.returncode, 0, done.stderr)
            found = json.loads(path.read_text())
        self.assertIn("THERE IS NO BASELINE", done.stdout)
        (one,) = found["benchmarks"]
        (row,) = one["rows"]
        self.assertEqual((one["name"], row["key"], len(row["values"]), found["quick"]), ("cold_run", "ours", 1, True))
        self.assertGreater(row["median"], 0.1)
        self.assertIn("baseline", one["left_out"])

    def test_a_name_that_there_is_not_is_refused_with_those_that_there_are(self):
        done = self.call("--only", "cold_rum")
        self.assertEqual(done.returncode, 2)
        self.assertIn("cold_run", done.stderr)


if __name__ == "__main__":
    unittest.main()
