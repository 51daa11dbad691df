"""The README's own commands, as they are written there."""

import os
import re
import subprocess
import unittest

from understudy import BIN, EXPERIMENTS, REPOSITORY, TIMEOUT, TestCase

README = (REPOSITORY / "README.md").read_text()


def block_with(text, language):
    """The fenced block that contains `text`."""
    found = [block for block in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if text in block]
    assert len(found) == 1, f"{len(found)} blocks contain {text!r}"
    return found[0]


class Readme(TestCase):
    def test_first_commands_do_what_they_say(self):
        # As in a checkout: the experiments, and the programs where the release build puts them.
        (self.directory / "deploy").symlink_to(REPOSITORY / "deploy")
        (self.directory / "build" / "release").mkdir(parents=True)
        (self.directory / "build" / "release" / "bin").symlink_to(BIN)
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", block_with("datasets export", "sh")], cwd=self.directory,
                              capture_output=True, text=True, timeout=TIMEOUT, env=dict(os.environ))
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(2, done.stdout.count("evaluate"), done.stdout)  # both tables
        self.assertGreaterEqual(len((self.directory / "steps.jsonl").read_text().splitlines()), 10_000)

    def test_canonical_experiment_is_the_shipped_one(self):
        lines = (EXPERIMENTS / "cartpole.yaml").read_text().splitlines()
        self.assertEqual([line for line in lines if not line.startswith("#")],
                         block_with("algorithm: ppo", "yaml").splitlines())

    def test_is_short(self):
        self.assertLessEqual(len(README.splitlines()), 150)


if __name__ == "__main__":
    unittest.main(verbosity=2)
