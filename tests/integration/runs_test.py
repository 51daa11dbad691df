"""`understudy run` beside others, interrupted, stopped and given again: what it leaves behind, and how it goes on."""

import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import time
import unittest

from understudy import BIN, TIMEOUT, TestCase, call, call_json, digests, free_port, log_of, wait_until
from processes_test import ENDLESS, children_of, has_ended

# Some tenths of a second: a policy that has hardly learnt anything, and a few of its episodes.
SHORT = """
name: short
environment: CartPole-v1
stages:
  - train: {policy: novice, algorithm: ppo, environment_steps: 4096}
  - collect: {policy: novice, dataset: tries, episodes: 20}
"""
# Some seconds of training.
LONG = """
name: long
environment: CartPole-v1
stages:
  - train: {policy: novice, algorithm: ppo, environment_steps: 614400}
  - collect: {policy: novice, dataset: tries, episodes: 20}
"""


def state_of(pid):
    """The letter that the kernel has for it: T is stopped."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


class RunCase(TestCase):
    def start(self, *arguments, cwd=None):
        """`understudy run` in the background, with the signals of a terminal."""
        process = subprocess.Popen(
            [BIN / "understudy", "run", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL, text=True, cwd=cwd or self.directory,
            preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGHUP)])
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def await_training(self, process, iterations=3):
        """Returns once its first stage has done so many iterations."""
        def address():
            for pid in children_of(process.pid).get("understudy-learner", []):
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")
                if "--coordinator" in words:
                    return words[words.index("--coordinator") + 1]
            return None

        def trains():
            coordinator = address()
            shown = coordinator and call("experiments", "list", "--json", "--coordinator", coordinator)
            if not shown or shown.returncode != 0:
                return False
            running = [e for e in json.loads(shown.stdout) if e["status"] == "RUNNING"]
            return running and running[0]["stages"][0].get("progress", {}).get("iteration", 0) >= iterations
        wait_until(trains, f"iteration {iterations}")

    def end(self, process, number):
        """Ends it with a signal; returns its standard output and the lines of its standard error."""
        children = [pid for pids in children_of(process.pid).values() for pid in pids]
        process.send_signal(number)
        output, errors = process.communicate(timeout=TIMEOUT)
        wait_until(lambda: all(map(has_ended, children)), "the end of the children")
        return output, errors.splitlines()

    def assert_sound(self, data, experiment):
        """The results of an experiment that has succeeded are in the directory, and undamaged."""
        self.assert_succeeded(experiment)
        policies = call_json("policies", "list", "--data_dir", data)
        self.assertIn(experiment["stages"][0]["policy_digest"], [policy["digest"] for policy in policies])
        verified = call("datasets", "verify", "tries", "--data_dir", data)
        self.assertEqual(0, verified.returncode, verified.stderr)


class Beside(RunCase):
    """More than one writer for a new directory, at about the same time."""

    def start_coordinator(self, address, data):
        log = open(self.directory / f"coordinator-{address}.log", "w+")
        self.addCleanup(log.close)
        coordinator = subprocess.Popen([BIN / "understudy-coordinator", "--listen", address, "--data_dir", data],
                                       stdout=subprocess.PIPE, stderr=log, text=True)
        coordinator.log = log
        self.addCleanup(coordinator.communicate)
        self.addCleanup(coordinator.kill)
        return coordinator

    def test_two_runs_take_turns_and_have_the_same_result(self):
        recipe = self.write("short.yaml", SHORT)
        waited = 0
        for attempt in range(12):
            data = self.directory / f"new-{attempt}" / "data"
            first = self.start(recipe, "--data_dir", data, "--json")
            time.sleep(attempt % 4 * 0.005)
            second = self.start(recipe, "--data_dir", data, "--json")
            results = []
            for process in (first, second):
                output, errors = process.communicate(timeout=TIMEOUT)
                self.assertEqual(0, process.returncode, errors)
                results.append(json.loads(output))
                waited += bool(re.search(r"^understudy: waiting for process \d+ on \S+, which uses data directory ",
                                         errors, re.MULTILINE))
            self.assertEqual(digests(results[0]), digests(results[1]))
            for result in results:
                self.assert_sound(data, result)
        self.assertGreater(waited, 0)

    def test_two_different_runs_both_have_their_results(self):
        recipes = [self.write("a.yaml", SHORT),
                   self.write("b.yaml", SHORT.replace("novice", "other").replace("tries", "others"))]
        for attempt in range(4):
            data = self.directory / f"different-{attempt}"
            for process in [self.start(recipe, "--data_dir", data, "--json") for recipe in recipes]:
                output, errors = process.communicate(timeout=TIMEOUT)
                self.assertEqual(0, process.returncode, errors)
                self.assert_succeeded(json.loads(output))
            self.assertEqual({"tries", "others"},
                             {dataset["name"] for dataset in call_json("datasets", "list", "--data_dir", data)})

    def test_a_run_and_a_coordinator_leave_each_others_directory_alone(self):
        recipe = self.write("short.yaml", SHORT)
        for attempt in range(16):
            data = self.directory / f"new-{attempt}" / "data"
            address = f"127.0.0.1:{free_port()}"
            begin = [lambda: self.start(recipe, "--data_dir", data, "--json"),
                     lambda: self.start_coordinator(address, data)]
            order = (0, 1) if attempt % 4 else (1, 0)
            started = {order[0]: begin[order[0]]()}
            time.sleep(attempt * 0.0015)
            started[order[1]] = begin[order[1]]()
            run, coordinator = started[0], started[1]
            output, errors = run.communicate(timeout=TIMEOUT)
            if coordinator.stdout.readline() == f"listening on {address}\n":
                if run.returncode != 0:
                    self.assertRegex(errors, r"in use by process \d+ on \S+, a coordinator")
                call_json("experiments", "list", "--coordinator", address)
                coordinator.terminate()
                self.assertEqual(0, coordinator.wait(timeout=30))
            else:
                self.assertRegex(log_of(coordinator), r"in use by process \d+ on ")
            self.assertTrue((data / "understudy.sqlite").exists())
            if run.returncode == 0:
                self.assert_sound(data, json.loads(output))

    def test_a_coordinator_is_refused_a_runs_directory(self):
        data = self.directory / "new"
        run = self.start(self.write("short.yaml", SHORT), "--data_dir", data, "--json")
        wait_until(lambda: (data / "lock").exists() and (data / "lock").read_text(), "the lock of the run")
        # Nobody comes between: a run that is stopped keeps its directory.
        run.send_signal(signal.SIGSTOP)
        coordinator = self.start_coordinator(f"127.0.0.1:{free_port()}", data)
        self.assertEqual("", coordinator.stdout.readline())
        self.assertRegex(log_of(coordinator), r"in use by process \d+ on ")
        run.send_signal(signal.SIGCONT)
        output, errors = run.communicate(timeout=TIMEOUT)
        self.assertEqual(0, run.returncode, errors)
        self.assert_sound(data, json.loads(output))

    def test_a_run_is_refused_a_coordinators_directory(self):
        data = self.directory / "new"
        address = f"127.0.0.1:{free_port()}"
        coordinator = self.start_coordinator(address, data)
        self.assertEqual(f"listening on {address}\n", coordinator.stdout.readline())
        run = self.start(self.write("short.yaml", SHORT), "--data_dir", data, "--json")
        _, errors = run.communicate(timeout=TIMEOUT)
        self.assertEqual(1, run.returncode)
        self.assertRegex(errors, r"in use by process \d+ on \S+, a coordinator")
        call_json("experiments", "list", "--coordinator", address)

    def test_a_run_that_is_refused_leaves_nothing_where_nothing_was(self):
        refused = self.write("refused.yaml", "name: refused\nenvironment: CartPole-v1\nstages:\n"
                                             "  - evaluate: {policy: nobody}\n")
        done = call("run", refused, "--data_dir", self.directory / "a" / "b")
        self.assertEqual(1, done.returncode)
        self.assertIn("nobody", done.stderr)
        self.assertFalse((self.directory / "a").exists())
        (self.directory / "mine").mkdir()
        self.assertEqual(1, call("run", refused, "--data_dir", self.directory / "mine").returncode)
        self.assertEqual([], list((self.directory / "mine").iterdir()))


class Interrupted(RunCase):
    """Whatever ends a run politely: the command in its last line goes on."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = TestCase()
        case.setUp()
        try:
            cls.undisturbed = digests(call_json("run", case.write("long.yaml", LONG), "--data_dir",
                                                case.directory / "data"))
        finally:
            case.doCleanups()

    def command_of(self, line):
        """The command in a last line, as a shell takes it; it must name this directory's understudy-data or data."""
        words = shlex.split(line.split("; to go on: ")[1])
        self.assertEqual(["understudy", "run"], words[:2])
        self.assertEqual("--data_dir", words[-2])
        return words[1:]

    def test_by_any_signal_goes_on_from_its_last_checkpoint(self):
        recipe = self.write("a recipe.yaml", LONG)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signal=number.name):
                data = self.directory / f"my data {number.name}"
                process = self.start(recipe, "--actors", 2, "--data_dir", data, "--json")
                self.await_training(process, iterations=20)
                output, errors = self.end(process, number)
                self.assertEqual(130, process.returncode, errors)
                paused = json.loads(output)
                self.assertEqual(["PAUSED", "PAUSED", "PENDING"],
                                 [paused["status"], *(stage["status"] for stage in paused["stages"])])
                reached = paused["stages"][0]["progress"]["iteration"]
                self.assertGreaterEqual(reached, 20)
                self.assertTrue(errors[-1].startswith("understudy: interrupted; to go on: understudy run "), errors[-1])

                resumed = call(*self.command_of(errors[-1]), "--log_level", "info")
                self.assertEqual(0, resumed.returncode, resumed.stderr)
                continued = re.search(r"going on after iteration (\d+)$", resumed.stderr, re.MULTILINE)
                self.assertIsNotNone(continued, resumed.stderr)
                self.assertGreater(int(continued[1]), 0)
                self.assertIn(f"understudy: going on with experiment {paused['id']}, which had not finished\n",
                              resumed.stderr)
                finished = json.loads(resumed.stdout)
                self.assertEqual(paused["id"], finished["id"])
                self.assertEqual(self.undisturbed, digests(finished))
                self.assert_sound(data, finished)

    def test_without_a_data_directory_names_the_one_that_was_made(self):
        recipe = self.write("long.yaml", LONG)
        process = self.start(recipe)
        self.await_training(process)
        output, errors = self.end(process, signal.SIGTERM)
        (made,) = (self.directory / "understudy-data").iterdir()
        words = self.command_of(errors[-1])
        self.assertEqual(f"understudy-data/{made.name}", words[-1])
        self.assertIn("PAUSED", output)
        resumed = call(*words, "--json", cwd=self.directory)
        self.assertEqual(0, resumed.returncode, resumed.stderr)
        self.assertEqual(self.undisturbed, digests(json.loads(resumed.stdout)))
        self.assertEqual([made], list((self.directory / "understudy-data").iterdir()))

    def test_before_it_has_begun_leaves_nothing(self):
        recipe = self.write("long.yaml", LONG)
        for delay in range(0, 30, 3):
            process = self.start(recipe)
            time.sleep(delay / 1000)
            _, errors = self.end(process, signal.SIGTERM)
            made = list(self.directory.glob("understudy-data/*"))
            if made:
                self.assertIn(made[0].name, errors[-1])
                self.assertEqual(0, call("experiments", "list", "--data_dir", made[0]).returncode)
                self.assertEqual(0, call(*self.command_of(errors[-1]), cwd=self.directory).returncode)
                break
            self.assertFalse((self.directory / "understudy-data").exists())

    def test_a_failure_names_the_directory_that_was_made(self):
        recipe = self.write("failing.yaml", SHORT.replace("environment_steps: 4096",
                                                          "environment_steps: 4096, require: converged, "
                                                          "stop: {mean_return: 100000, episodes: 1}"))
        done = call("run", recipe, cwd=self.directory)
        self.assertEqual(1, done.returncode)
        (made,) = (self.directory / "understudy-data").iterdir()
        self.assertTrue(done.stderr.splitlines()[-1].endswith(f"; results are in understudy-data/{made.name}"),
                        done.stderr)

    def test_a_success_names_it_too(self):
        recipe = self.write("short.yaml", SHORT)
        text = call("run", recipe, cwd=self.directory).stdout.splitlines()[-1]
        (made,) = (self.directory / "understudy-data").iterdir()
        self.assertRegex(text, f"^  understudy experiments metrics short-[0-9a-f]+ --data_dir understudy-data/{made.name}$")
        done = call("run", recipe, "--json", cwd=self.directory)
        named = json.loads(done.stdout)["data_dir"]
        self.assertTrue((self.directory / named).is_dir())
        self.assertEqual(f"understudy: results are in {named}", done.stderr.splitlines()[-1])


class Others(RunCase):
    """Unfinished experiments in a directory: `run` starts its own only."""

    def test_are_paused_and_left_alone_until_they_are_resumed(self):
        endless = self.write("endless.yaml", ENDLESS)
        data = self.directory / "data"
        process = self.start(endless, "--data_dir", data)
        self.await_training(process)
        self.end(process, signal.SIGKILL)  # so that it is RUNNING in the store
        done = call("run", self.write("short.yaml", SHORT), "--data_dir", data)
        self.assertEqual(0, done.returncode, done.stderr)
        (line,) = (line for line in done.stderr.splitlines() if "paused in" in line)
        self.assertIn("experiments resume", line)
        dropping = shlex.split(line.split("or drop it: ")[1])

        cluster = self.cluster()
        cluster.coordinator()
        cluster.learner()
        cluster.actor()
        wait_until(lambda: len(cluster.call_json("workers", "list")) == 2, "two workers")
        by_name = {e["experiment"]: e for e in cluster.call_json("experiments", "list")}
        self.assertEqual(["PAUSED", "SUCCEEDED"], [by_name[name]["status"] for name in ("endless", "short")])
        paused = by_name["endless"]["id"]
        self.assertIn(paused, dropping)

        # The workers are idle: what is submitted now has them at once, and the paused one stays as it is.
        other = cluster.submit(self.write("other.yaml", SHORT.replace("novice", "third").replace("tries", "thirds")))
        self.assert_succeeded(cluster.finish(other))
        self.assertEqual("PAUSED", cluster.call_json("experiments", "show", paused)["status"])
        watched = cluster.call("experiments", "watch", paused)
        self.assertEqual(1, watched.returncode)
        self.assertIn(f"'understudy experiments resume {paused}' goes on with it", watched.stderr)

        cluster.call_json("experiments", "resume", paused)

        def iteration():
            return cluster.call_json("experiments", "show", paused)["stages"][0].get("progress", {}).get("iteration", 0)
        wait_until(lambda: iteration() > 0, "more iterations")
        self.assertEqual("PAUSED", cluster.call_json("experiments", "pause", paused)["status"])
        self.assertEqual("CANCELLED", cluster.call_json("experiments", "cancel", paused)["status"])


class Stopped(RunCase):
    def test_at_ctrl_z_with_all_its_processes_and_goes_on_with_them(self):
        process = self.start(self.write("long.yaml", LONG), "--actors", 2, "--data_dir", self.directory / "data",
                             "--json")
        self.await_training(process)
        everybody = [process.pid, *(pid for pids in children_of(process.pid).values() for pid in pids)]
        self.assertEqual(5, len(everybody))
        for _ in range(2):
            process.send_signal(signal.SIGTSTP)
            wait_until(lambda: all(state_of(pid) == "T" for pid in everybody), "all processes stopped")
            time.sleep(1.5)  # longer than a worker may be silent without losing its stage
            process.send_signal(signal.SIGCONT)
            wait_until(lambda: all(state_of(pid) != "T" for pid in everybody), "all processes continued")
        output, errors = process.communicate(timeout=TIMEOUT)
        self.assertEqual(0, process.returncode, errors)
        self.assert_sound(self.directory / "data", json.loads(output))

    def test_under_nohup_outlives_its_terminal(self):
        process = subprocess.Popen(
            [BIN / "understudy", "run", self.write("short.yaml", SHORT), "--data_dir", self.directory / "data", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        wait_until(lambda: "understudy-coordinator" in children_of(process.pid), "the coordinator")
        process.send_signal(signal.SIGHUP)
        output, errors = process.communicate(timeout=TIMEOUT)
        self.assertEqual(0, process.returncode, errors)
        self.assert_sound(self.directory / "data", json.loads(output))


class Reasons(RunCase):
    def test_a_death_is_told_by_its_signal(self):
        process = self.start(self.write("endless.yaml", ENDLESS), "--data_dir", self.directory / "data", "--log_level",
                             "info")
        self.await_training(process)
        os.kill(children_of(process.pid)["understudy-actor"][0], signal.SIGSEGV)
        time.sleep(0.2)
        _, errors = self.end(process, signal.SIGINT)
        self.assertIn("understudy: warning: understudy-actor has ended unexpectedly: killed by SIGSEGV (Segmentation "
                      "fault); it is started again", errors)


if __name__ == "__main__":
    unittest.main(verbosity=2)
