"""What the processes tell Prometheus, against what they account for; and rules and dashboard, against what they tell."""

import json
import re
import shutil
import subprocess
import unittest
import urllib.request

from understudy import EXPERIMENTS, REPOSITORY, TIMEOUT, TestCase, free_port, log_of, wait_until

CANONICAL = EXPERIMENTS / "cartpole.yaml"
SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
OURS = re.compile(r"\b(?:understudy|process)_[a-z0-9_]+")
PROMTOOL = shutil.which("promtool")


def scrape(port):
    """{(name, ((label, value), …)): number}"""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=TIMEOUT) as answer:
        lines = answer.read().decode().splitlines()
    samples = {}
    for name, labels, value in (SAMPLE.match(line).groups() for line in lines if line and not line.startswith("#")):
        samples[name, tuple(sorted(LABEL.findall(labels or "")))] = float(value)
    return samples


def value(samples, metric, **labels):
    return samples[metric, tuple(sorted(labels.items()))]


def names(samples):
    return {name for name, _ in samples}


def accounting(samples, hop):
    """As `experiments show --json` has it."""
    found = {what: value(samples, f"understudy_trajectories_{what}_total", hop=hop)
             for what in ("produced", "accepted")}
    found["rejected"] = sum(number for (name, labels), number in samples.items()
                            if name == "understudy_trajectories_rejected_total" and ("hop", hop) in labels)
    return found


def catalogue():
    """Every metric that is documented."""
    text = (REPOSITORY / "common" / "metrics" / "catalogue.h").read_text()
    return set(re.findall(r'\{\s*"((?:understudy|process)_[a-z0-9_]+)"', text))


def base(name):
    """A histogram's samples have the name of the histogram."""
    return re.sub(r"_(bucket|sum|count)$", "", name)


class Metrics(TestCase):
    def start(self):
        """All three, with metrics; steps are slow enough to look at what happens."""
        self.ports = {kind: free_port() for kind in ("coordinator", "learner", "actor")}
        cluster = self.cluster()
        cluster.coordinator("--metrics_port", self.ports["coordinator"])
        cluster.learner("--metrics_port", f"127.0.0.1:{self.ports['learner']}")
        self.actor = cluster.actor("--metrics_port", self.ports["actor"])
        wait_until(lambda: len(cluster.call_json("workers", "list")) == 2, "two workers")
        return cluster

    def scrape(self, kind):
        return scrape(self.ports[kind])

    def test_counters_are_those_of_the_accounting_and_every_name_is_documented_and_used(self):
        cluster = self.start()
        seen = {kind: set() for kind in self.ports}
        experiment = cluster.submit(self.write("slow.yaml", CANONICAL.read_text() + "step_latency: 1ms\n"))
        labelled = (("experiment", experiment),)
        iterations = []

        def ended():
            for kind in self.ports:
                samples = self.scrape(kind)
                seen[kind] |= names(samples)
                iterations.extend(number for (name, labels), number in samples.items()
                                  if name == "understudy_experiment_iteration" and labels == labelled)
            return cluster.call_json("experiments", "show", experiment)["status"] != "RUNNING"
        wait_until(ended, "the experiment's end", timeout=TIMEOUT)
        shown = cluster.call_json("experiments", "show", experiment)
        self.assert_succeeded(shown)
        # They rise, and begin anew once: with the second stage that trains.
        self.assertLessEqual(sum(later < earlier for earlier, later in zip(iterations, iterations[1:])), 1, iterations)
        self.assertGreater(len(set(iterations)), 1)

        with self.subTest("sinks"):
            stages = shown["stages"]
            for kind, of in (("coordinator", ("collect", "evaluate")), ("learner", ("ppo", "bc", "train"))):
                wanted = [stage["trajectories"] for stage in stages if stage["kind"] in of]
                self.assertEqual(2, len(wanted), stages)
                samples = self.scrape(kind)
                told = accounting(samples, "sink")
                if kind == "learner":
                    superseded = value(samples, "understudy_trajectories_superseded_total")
                    told["accepted"] -= superseded
                    told["rejected"] += superseded
                self.assertEqual({what: sum(counts[what] for counts in wanted) for what in told}, told)
                self.assertEqual(told["produced"], told["accepted"] + told["rejected"])
        with self.subTest("actor"):
            samples = self.scrape("actor")
            told = accounting(samples, "actor")
            self.assertEqual(told["produced"], told["accepted"] + told["rejected"] +
                             value(samples, "understudy_trajectories_lost_total", hop="actor") +
                             value(samples, "understudy_trajectories_in_flight", hop="actor"))
            sinks = [accounting(self.scrape(kind), "sink") for kind in ("coordinator", "learner")]
            self.assertGreaterEqual(told["produced"], sum(sink["accepted"] for sink in sinks))
        with self.subTest("afterwards"):
            samples = self.scrape("coordinator")
            self.assertFalse([labels for name, labels in samples if experiment in str(labels)])
            self.assertEqual(1, value(samples, "understudy_experiments_finished_total", status="succeeded"))
            self.assertEqual(0, value(samples, "understudy_experiments", status="running"))
            self.assertEqual(1, value(samples, "understudy_workers", kind="actor"))
            self.assertEqual(1, value(samples, "understudy_rpc_calls_total", method="Experiments.Submit", code="OK"))
            self.assertEqual(1, value(samples, "understudy_rpc_duration_seconds_count", method="Experiments.Submit"))
            self.assertGreater(value(samples, "understudy_store_duration_seconds_count", operation="AppendEpisodes"), 0)
        exposed = {base(name) for of in seen.values() for name in of if OURS.match(name)}
        with self.subTest("catalogue"):
            # No call of the store fails here.
            self.assertEqual(catalogue() - {"understudy_store_errors_total"}, exposed)
        with self.subTest("dashboard and rules"):
            dashboard = json.loads((REPOSITORY / "deploy" / "grafana" / "dashboards" / "understudy.json").read_text())
            queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
            self.assertGreater(len(queries), 20)
            rules = (REPOSITORY / "deploy" / "prometheus" / "alerts.yml").read_text()
            used = {base(name) for name in OURS.findall("\n".join([*queries, rules]))}
            self.assertEqual(set(), used - exposed - {"understudy_store_errors_total"})
        with self.subTest("end"):
            self.actor.terminate()
            self.assertEqual(0, self.actor.wait(timeout=10))

    def test_refuses_what_is_no_port_and_one_that_is_taken(self):
        cluster = self.cluster()
        for program in ("understudy-actor", "understudy-learner", "understudy-coordinator"):
            port = free_port()
            first = cluster.start("understudy-actor", "--metrics_port", port)
            wait_until(lambda: self.answers(port), "the metrics of the first")
            for given, said in ((str(port), "cannot listen"), ("here", "metrics: "), ("127.0.0.1:99999", "metrics: ")):
                arguments = ["--listen", "127.0.0.1:0"] if program != "understudy-actor" else []
                if program == "understudy-coordinator":
                    arguments += ["--data_dir", str(self.directory / "data")]
                done = cluster.start(program, "--metrics_port", given, *arguments)
                self.assertEqual(1, done.wait(timeout=TIMEOUT), (program, given))
                self.assertIn(said, log_of(done))
            first.kill()
            first.wait()

    @staticmethod
    def answers(port):
        try:
            return bool(scrape(port))
        except OSError:
            return False


class Rules(unittest.TestCase):
    @unittest.skipUnless(PROMTOOL, "THERE IS NO promtool (package prometheus): the rules are NOT checked")
    def test_are_what_prometheus_takes_and_fire_when_they_should(self):
        directory = REPOSITORY / "deploy" / "prometheus"
        for command in (["check", "config", "prometheus.yml"], ["check", "rules", "alerts.yml"],
                        ["test", "rules", "alerts_test.yml"]):
            done = subprocess.run([PROMTOOL, *command], cwd=directory, capture_output=True, text=True, timeout=TIMEOUT)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_each_has_an_example_that_fires(self):
        rules = set(re.findall(r"- alert: (\w+)", (REPOSITORY / "deploy/prometheus/alerts.yml").read_text()))
        examples = (REPOSITORY / "deploy/prometheus/alerts_test.yml").read_text()
        fires = set(re.findall(r"alertname: (\w+)\n\s+exp_alerts:\n\s+- exp_labels", examples))
        self.assertEqual(rules, fires)


if __name__ == "__main__":
    unittest.main(verbosity=2)
