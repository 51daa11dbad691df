"""Whatever state the shell leaves descriptors, limits and files in: programs damage nothing, and say what is wrong."""

import contextlib
import os
import pathlib
import resource
import signal
import subprocess
import time
import unittest

from understudy import BIN, TestCase, call_json, wait_until

COLLECT = """name: small
environment: CartPole-v1
stages:
  - train: {policy: expert, algorithm: ppo, environment_steps: 4096}
  - collect: {policy: expert, dataset: %s, transitions: %d}
"""


def run(*arguments, **options):
    return subprocess.run([str(argument) for argument in arguments], stdin=subprocess.DEVNULL, text=True, timeout=60,
                          **options)


def descriptors(process):
    """What the process has open, by number."""
    found = {}
    for path in pathlib.Path(f"/proc/{process.pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            found[int(path.name)] = os.readlink(path)
    return found


class Descriptors(TestCase):
    def start_closed(self, *arguments, closed):
        """Starts a program that has the descriptors `closed` no more than a child of a daemon may have."""
        redirections = " ".join(f"{fd}>&-" for fd in closed)
        return subprocess.Popen(["sh", "-c", f'exec "$0" "$@" {redirections}', *map(str, arguments)],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def test_closed_descriptors_are_not_taken_by_files(self):
        for closed in ((2,), (0, 1, 2)):
            with self.subTest(closed=closed):
                data = self.directory / f"data-{len(closed)}"
                process = self.start_closed(BIN / "understudy-coordinator", "--listen", "127.0.0.1:0", "--data_dir", data,
                                            "--log_level", "debug", closed=closed)
                self.addCleanup(process.kill)
                wait_until(lambda: (data / "understudy.sqlite").exists(), "the store is there")
                wait_until(lambda: any("socket:" in target for target in descriptors(process).values()), "it listens")
                self.assertEqual({"/dev/null"}, {descriptors(process)[fd] for fd in (0, 1, 2)})
                process.send_signal(signal.SIGTERM)  # which is logged
                process.wait(timeout=15)
                self.assertRegex((data / "lock").read_text(), r"\A\d+ \S+( stays)?\n\Z")
                self.assertEqual([], call_json("datasets", "list", "--data_dir", data))

    def test_every_program_fills_in_closed_descriptors(self):
        for program in ("understudy-actor", "understudy-learner"):
            with self.subTest(program=program):
                process = self.start_closed(BIN / program, "--coordinator", "127.0.0.1:1", closed=(0, 1, 2))
                self.addCleanup(process.wait)
                self.addCleanup(process.kill)
                wait_until(lambda: len(descriptors(process)) > 5, "it has begun")
                self.assertEqual({"/dev/null"}, {descriptors(process)[fd] for fd in (0, 1, 2)})

    def test_run_with_closed_descriptors(self):
        data = self.directory / "data"
        done = self.start_closed(BIN / "understudy", "run", self.write("small.yaml", COLLECT % ("d", 100)), "--data_dir",
                                 data, closed=(0, 1, 2))
        self.assertEqual(0, done.wait(timeout=60))
        self.assertEqual([], call_json("datasets", "verify", "d", "--data_dir", data)["problems"])

    def test_output_that_cannot_be_written_fails(self):
        commands = [["understudy", "--help"], ["understudy", "--version"], ["understudy", "experiments", "keys"],
                    ["understudy", "datasets", "--help"], ["understudy-coordinator", "--help"],
                    ["understudy-learner", "--version"], ["understudy-actor", "--help"],
                    ["understudy-coordinator", "--listen", "127.0.0.1:0", "--data_dir", self.directory / "data"],
                    ["understudy", "datasets", "list", "--data_dir", self.directory / "data"]]
        for program, *arguments in commands:
            with self.subTest(program=program, arguments=arguments), open("/dev/full", "w") as full:
                done = run(BIN / program, *arguments, stdout=full, stderr=subprocess.PIPE)
                self.assertEqual(1, done.returncode, done.stderr)
                self.assertIn(f"{program}: cannot write to standard output: No space left on device\n", done.stderr)

    def test_a_users_file_is_not_taken_for_a_lock(self):
        data = self.directory / "mine"
        data.mkdir()
        (data / "lock").write_text("the combination of my lock is 1234\n")
        done = run(BIN / "understudy-coordinator", "--listen", "127.0.0.1:0", "--data_dir", data, capture_output=True)
        self.assertEqual(1, done.returncode)
        self.assertIn(f"{data}/lock is a file of something else", done.stderr)
        self.assertEqual("the combination of my lock is 1234\n", (data / "lock").read_text())
        self.assertEqual(["lock"], [path.name for path in data.iterdir()])

    def test_a_file_that_may_not_grow_is_named(self):
        def limit(size):
            return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        data = self.directory / "data"
        done = run(BIN / "understudy-coordinator", "--listen", "127.0.0.1:0", "--data_dir", data, capture_output=True,
                   preexec_fn=limit(10_000))
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertIn("understudy.sqlite", done.stderr)
        self.assertIn("File too large", done.stderr)
        self.assertFalse(data.exists())
        call_json("run", self.write("small.yaml", COLLECT % ("d", 2000)), "--data_dir", data)
        out = self.directory / "d.jsonl"
        done = run(BIN / "understudy", "datasets", "export", "d", "--format", "jsonl", "--output", out, "--data_dir", data,
                   capture_output=True, preexec_fn=limit(50_000))
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertEqual(f"understudy: dataset d: cannot write {out}: File too large\n", done.stderr)
        self.assertFalse(out.exists())

    def test_too_few_descriptors_are_said(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12))
        for program in ("understudy", "understudy-coordinator", "understudy-learner", "understudy-actor"):
            with self.subTest(program=program):
                done = run(BIN / program, "--version", capture_output=True, preexec_fn=limit)
                self.assertEqual(1, done.returncode)
                self.assertEqual(f"{program}: found a limit of 12 open files, expected at least 64: raise it with "
                                 "ulimit -n\n", done.stderr)

    def test_the_fewest_descriptors_are_enough(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        done = run(BIN / "understudy", "run", self.write("small.yaml", COLLECT % ("d", 100)), "--data_dir",
                   self.directory / "data", capture_output=True, preexec_fn=limit)
        self.assertEqual(0, done.returncode, done.stderr)


class Exports(TestCase):
    """A dataset of some size, and exports of it that disturb each other."""

    def setUp(self):
        super().setUp()
        self.data = self.directory / "data"
        ran = call_json("run", self.write("small.yaml", COLLECT % ("d", 30_000)), "--data_dir", self.data)
        self.here = self.directory / "here"
        self.here.mkdir()
        self.out = self.here / "d.jsonl"
        self.command = [str(BIN / "understudy"), "datasets", "export", "d", "--format", "jsonl", "--data_dir",
                        str(self.data)]
        self.whole = subprocess.run([*self.command, "--output", "-"], stdout=subprocess.PIPE, check=True).stdout
        self.assertEqual(ran["stages"][1]["transitions"], len(self.whole.splitlines()))

    def names(self):
        return sorted(path.name for path in self.here.iterdir())

    def export(self, *arguments, **options):
        return subprocess.Popen([*self.command, "--output", str(self.out), *arguments], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

    def test_several_at_once_leave_one_whole_file(self):
        (self.here / "d.jsonl.tmp").write_text("the user's")
        exports = [self.export("--force") for _ in range(4)]
        for export in exports:
            _, errors = export.communicate(timeout=60)
            self.assertEqual(0, export.returncode, errors)
        self.assertEqual(self.whole, self.out.read_bytes())
        self.assertEqual("the user's", (self.here / "d.jsonl.tmp").read_text())
        self.assertEqual(["d.jsonl", "d.jsonl.tmp"], self.names())

    def test_of_several_without_force_one_succeeds(self):
        exports = [self.export() for _ in range(4)]
        errors = [export.communicate(timeout=60)[1] for export in exports]
        self.assertEqual([0, 1, 1, 1], sorted(export.returncode for export in exports), errors)
        self.assertEqual(3, sum(f"{self.out} exists already" in error for error in errors))
        self.assertEqual(self.whole, self.out.read_bytes())
        self.assertEqual(["d.jsonl"], self.names())

    def test_a_signal_leaves_nothing_behind(self):
        self.out.write_text("old")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
            for delay in (0.02, 0.05, 0.1):
                export = self.export("--force")
                time.sleep(delay)  # some of them hit while it writes
                export.send_signal(number)
                export.communicate(timeout=60)
                self.assertIn(export.returncode, (0, -number))
                self.assertEqual(["d.jsonl"], self.names())
                self.assertIn(self.out.read_bytes(), (b"old", self.whole))

    def test_a_pipe_that_is_closed_ends_it(self):
        export = subprocess.Popen([*self.command, "--output", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        export.stdout.readline()
        export.stdout.close()
        export.stderr.close()
        self.assertEqual(-signal.SIGPIPE, export.wait(timeout=60))

    def test_standard_output_by_its_name_has_the_lines_alone(self):
        for path in ("/dev/stdout", "/proc/self/fd/1"):
            done = subprocess.run([*self.command, "--output", path], stdout=subprocess.PIPE, check=True)
            self.assertEqual(self.whole, done.stdout)
            with open(self.out, "wb") as file:
                subprocess.run([*self.command, "--output", path], stdout=file, check=True)
            self.assertEqual(self.whole, self.out.read_bytes())

    def test_full_devices_are_named(self):
        export = subprocess.run([*self.command, "--output", "/dev/full"], capture_output=True, text=True)
        self.assertEqual((1, "understudy: dataset d: cannot write /dev/full: No space left on device\n"),
                         (export.returncode, export.stderr))
        with open("/dev/full", "w") as full:
            export = subprocess.run([*self.command, "--output", "-"], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual((1, "understudy: dataset d: cannot write to standard output: No space left on device\n"),
                         (export.returncode, export.stderr))

    def test_a_replaced_file_stays_private(self):
        self.out.write_text("old")
        self.out.chmod(0o600)
        export = self.export("--force")
        export.communicate(timeout=60)
        self.assertEqual(0o600, self.out.stat().st_mode & 0o777)


if __name__ == "__main__":
    unittest.main(verbosity=2)
