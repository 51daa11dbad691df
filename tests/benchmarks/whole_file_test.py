"""Files of the benchmarks' tools: whole or not at all, whoever else writes them."""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

import whole_file

WRITER = """import sys
sys.path.insert(0, {here!r})
import whole_file
for _ in range(20):
    whole_file.write({path!r}, sys.argv[1] * 100_000)
"""


class WholeFile(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.path = self.directory / "figures.json"

    def names(self):
        return [path.name for path in self.directory.iterdir()]

    def writer(self, letter):
        code = WRITER.format(here=str(pathlib.Path(__file__).resolve().parent), path=str(self.path))
        return subprocess.Popen([sys.executable, "-B", "-c", code, letter], stderr=subprocess.DEVNULL)

    def test_of_several_writers_one_is_the_last(self):
        writers = [self.writer(letter) for letter in "abcd"]
        while any(writer.poll() is None for writer in writers):
            if self.path.exists():
                text = self.path.read_text()
                self.assertEqual(text[:1] * 100_000, text)
        self.assertEqual([0] * 4, [writer.returncode for writer in writers])
        self.assertEqual(["figures.json"], self.names())

    def test_a_signal_leaves_nothing_else(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            writer = self.writer("a")
            while not self.path.exists():
                self.assertIsNone(writer.poll())
            writer.send_signal(number)
            writer.wait()
            self.assertEqual(["figures.json"], self.names())
            self.assertEqual("a" * 100_000, self.path.read_text())
            self.path.unlink()

    def test_follows_links_and_keeps_permissions(self):
        self.path.write_text("old")
        self.path.chmod(0o640)
        link = self.directory / "link"
        link.symlink_to("figures.json")
        whole_file.write(link, "new")
        self.assertTrue(link.is_symlink())
        self.assertEqual(("new", 0o640), (self.path.read_text(), self.path.stat().st_mode & 0o777))

    def test_writes_to_devices(self):
        whole_file.write("/dev/null", "gone")
        with self.assertRaises(OSError):
            whole_file.write("/dev/full", "text")
        self.assertFalse(os.path.isfile("/dev/null"))

    def test_says_beforehand_what_cannot_be_written(self):
        self.assertEqual(self.path, whole_file.place(str(self.path)))
        for path in (self.directory, self.directory / "nowhere" / "figures.json"):
            with self.assertRaises(argparse.ArgumentTypeError):
                whole_file.place(str(path))


if __name__ == "__main__":
    unittest.main(verbosity=2)
