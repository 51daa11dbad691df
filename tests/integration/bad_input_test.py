"""Whatever users get wrong: one line that names it, a failing exit status, within five seconds, and nothing left behind."""

import pathlib
import socket
import subprocess
import time
import unittest

from understudy import BIN, EXPERIMENTS, TestCase, call, call_json, free_port

CANONICAL = (EXPERIMENTS / "cartpole.yaml").read_text()
HEAD = "name: x\nenvironment: CartPole-v1\nstages: "
EVALUATE = "name: x\nenvironment: CartPole-v1\nstages:\n  - evaluate: {policy: nobody}\n"
CLONE = "name: x\nenvironment: %s\nstages:\n  - train: {policy: c, algorithm: bc, dataset: %s}\n"


class BadInput(TestCase):
    def assert_refused(self, done, seconds, *words):
        self.assertNotEqual(0, done.returncode)
        self.assertLess(seconds, 5)
        lines = done.stderr.strip().splitlines()
        self.assertEqual(1, len(lines), done.stderr)
        for word in words:
            self.assertIn(word, lines[0])
        self.assertNotIn("terminate called", done.stderr)

    def refuse(self, *words, arguments, cwd=None):
        began = time.monotonic()
        done = call(*arguments, cwd=cwd)
        self.assert_refused(done, time.monotonic() - began, *words)

    def refuse_file(self, text, *words):
        """As `run` and in a new directory, in which nothing may be left."""
        path = self.write("bad.yaml", text)
        here = self.directory / "here"
        here.mkdir(exist_ok=True)
        self.refuse(*words, arguments=["run", path], cwd=here)
        self.assertEqual([], list(here.iterdir()))

    def test_in_the_experiment_file(self):
        def changed(old, new):
            self.assertIn(old, CANONICAL)
            return CANONICAL.replace(old, new, 1)
        cases = [
            (changed("seed: 0", "sed: 0"), "bad.yaml", "sed"),
            (changed("seed: 0", "seed: many"), "seed", "many"),
            (changed("seed: 0", "seed: -1"), "seed", "-1"),
            (changed("seed: 0", "seed: 0, clip: 7"), "clip", "7"),
            (changed("seed: 0", "seed: 0, epochs: 0.5"), "epochs", "0.5"),
            (changed("CartPole-v1", "CartPole-v9"), "CartPole-v9", "CartPole-v1"),
            (changed("ppo", "pop"), "pop", "ppo"),
            (changed("transitions: 10000", "transitions: 10000, episodes: 3"), "transitions", "episodes"),
            (changed("transitions: 10000", "transitions: 0"), "transitions", "0"),
            (changed("algorithm: bc", "algorithm: bc, loss: hinge"), "loss", "hinge", "distillation"),
            (changed("algorithm: bc", "algorithm: bc, loss: distillation"), "distillation", "record"),
            (changed("algorithm: ppo", "algorithm: ppo, network: {activation: sine}"), "sine", "tanh"),
            (changed("stages:", "more: 1\nstages:"), "more"),
            (HEAD + "[]\n", "stages", "empty"),
            ("", "bad.yaml"),
            ("name: [", "bad.yaml"),
            ("just text", "bad.yaml"),
        ]
        for text, *words in cases:
            with self.subTest(words=words):
                self.refuse_file(text, *words)

    def test_missing_file(self):
        self.refuse("nowhere.yaml", arguments=["run", self.directory / "nowhere.yaml"])

    def test_unknown_stored_things(self):
        self.refuse_file(EVALUATE, "nobody")
        self.refuse_file(CLONE % ("CartPole-v1", "nothing"), "nothing")

    def test_dataset_of_another_environment(self):
        data = self.directory / "data"
        call_json("run", EXPERIMENTS / "cartpole.yaml", "--data_dir", data)
        self.refuse("cartpole-expert", "CartPole-v0", "CartPole-v1", arguments=[
            "run", self.write("v0.yaml", CLONE % ("CartPole-v0", "cartpole-expert")), "--data_dir", data])
        # The other recipe under a name that is taken.
        self.refuse("cartpole-expert", arguments=["run", self.write("seed.yaml", CANONICAL.replace(
            "transitions: 10000", "transitions: 9000")), "--data_dir", data])
        self.refuse("nope", arguments=["datasets", "show", "nope", "--data_dir", data])
        self.refuse("expert", "7", arguments=["policies", "show", "expert@7", "--data_dir", data])

    def test_command_line(self):
        for words in (["run"], ["runn"], ["run", "x.yaml", "--actors", "0"], ["run", "x.yaml", "--actors", "many"],
                      ["datasets", "export", "d"], ["run", "x.yaml", "--unknown"],
                      ["run", EXPERIMENTS / "cartpole.yaml", "--data_dir", ""]):
            with self.subTest(words=words):
                done = call(*words)
                self.assertNotEqual(0, done.returncode)
                self.assertTrue(done.stderr.startswith("understudy"), done.stderr)

    def test_no_coordinator(self):
        address = f"127.0.0.1:{free_port()}"
        for words in (["experiments", "list"], ["workers", "list"], ["datasets", "list"], ["policies", "list"],
                      ["experiments", "submit", EXPERIMENTS / "cartpole.yaml"], ["experiments", "watch", "x"]):
            with self.subTest(words=words):
                self.refuse(address, arguments=[*words, "--coordinator", address])

    def test_no_store(self):
        self.refuse(str(self.directory / "none"), arguments=["datasets", "list", "--data_dir", self.directory / "none"])
        self.assertFalse((self.directory / "none").exists())

    def test_data_directory_that_cannot_be(self):
        (self.directory / "file").write_text("")
        self.refuse(str(self.directory / "file"), arguments=[
            "run", EXPERIMENTS / "cartpole.yaml", "--data_dir", self.directory / "file" / "data"])

    def test_data_directory_of_a_running_coordinator(self):
        cluster = self.cluster()
        cluster.coordinator()
        data = self.directory / "data"
        self.refuse(str(data), arguments=["run", EXPERIMENTS / "cartpole.yaml", "--data_dir", data])
        self.refuse(str(data), arguments=["datasets", "delete", "d", "--data_dir", data])
        self.assertEqual([], cluster.call_json("experiments", "list"))

    def daemon(self, program, *arguments):
        began = time.monotonic()
        done = subprocess.run([BIN / program, *arguments], capture_output=True, text=True, timeout=20,
                              stdin=subprocess.DEVNULL)
        return done, time.monotonic() - began

    def test_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            data = self.directory / "port-data"
            self.assert_refused(*self.daemon("understudy-coordinator", "--listen", address, "--data_dir", str(data)), address)
            self.assertFalse(data.exists())
            self.assert_refused(*self.daemon("understudy-learner", "--listen", address), address)

    def test_command_lines_of_the_servers(self):
        data = self.directory / "unused"
        for program, more in (("coordinator", ["--data_dir", str(data)]), ("learner", []), ("actor", [])):
            with self.subTest(program=program):
                self.assert_refused(*self.daemon(f"understudy-{program}", *more, "--speed"), f"understudy-{program}: ", "--speed")
        for program in ("learner", "actor"):
            for address in ("nowhere", "127.0.0.1:0", "127.0.0.1:65536"):
                with self.subTest(program=program, address=address):
                    self.assert_refused(*self.daemon(f"understudy-{program}", "--coordinator", address),
                                        f"understudy-{program}: ", f"'{address}'")
        self.assertFalse(data.exists())

    def test_beyond_loopback_only_when_told_so(self):
        self.assert_refused(*self.daemon("understudy-coordinator", "--listen", "0.0.0.0:0", "--data_dir",
                                         str(self.directory / "d")), "0.0.0.0", "--insecure")
        self.assertFalse(pathlib.Path(self.directory / "d").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
