"""What storage does to a coordinator, and what is left: a full disk, one that is read-only, damage, sudden death."""

import contextlib
import ctypes
import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import tempfile
import time
import unittest

from understudy import BIN, TIMEOUT, TestCase, call, call_json, free_port, wait_until

# A policy, and demonstrations of it: enough for all that follows to need no learner.
STORED = """
name: stored
environment: CartPole-v1
stages:
  - train:   {policy: expert, algorithm: ppo, seed: 0, environment_steps: 1024}
  - collect: {policy: expert, dataset: demos, transitions: 2000, seed: 0}
  - collect: {policy: expert, dataset: others, transitions: 500, seed: 1}
"""

COLLECT = """
name: {dataset}
environment: CartPole-v1
stages:
  - collect: {{policy: expert, dataset: {dataset}, transitions: {transitions}, seed: {seed}}}
"""


LIBC = ctypes.CDLL(None, use_errno=True)
# <sched.h>, <sys/mount.h>
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_RDONLY, MS_REMOUNT = 1, 32


def enter_mount_namespace():
    """Gives this process, and all that it starts, mounts of its own, which end with it. Returns why not, or None."""
    uid, gid = os.geteuid(), os.getegid()
    if LIBC.unshare(CLONE_NEWNS if uid == 0 else CLONE_NEWNS | CLONE_NEWUSER) != 0:
        return f"no mount namespace for user {uid}: {os.strerror(ctypes.get_errno())}"
    if uid != 0:  # root of its own namespace, which may mount there
        pathlib.Path("/proc/self/setgroups").write_text("deny")
        pathlib.Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        pathlib.Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    private = subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True, text=True)
    return private.stderr.strip() or "mount failed" if private.returncode else None


NO_MOUNTS = enter_mount_namespace()


class Template:
    """A data directory with what STORED makes, for every test to copy."""
    directory = None
    digest = {}  # of its datasets


def setUpModule():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="understudy-test-"))
    unittest.addModuleCleanup(shutil.rmtree, directory, ignore_errors=True)
    experiment = directory / "stored.yaml"
    experiment.write_text(STORED)
    stages = call_json("run", experiment, "--data_dir", directory / "data")["stages"]
    Template.directory = directory / "data"
    Template.digest = {stage["name"]: stage.get("digest") for stage in stages}


class StorageTestCase(TestCase):
    def setUp(self):
        super().setUp()
        self.data = self.directory / "data"

    def copy_template(self):
        shutil.copytree(Template.directory, self.data, dirs_exist_ok=True)

    def mount(self, size, path=None):
        """Mounts a disk of `size` on `path` (default: the data directory)."""
        path = path or self.data
        path.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "understudy-test", path], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", path], check=True)

    def remount(self, size, read_only=False):
        # Not by mount(8): it repeats options of the first time that a namespace's root may not set.
        flags = MS_REMOUNT | (MS_RDONLY if read_only else 0)
        if LIBC.mount(None, os.fsencode(self.data), None, flags, f"size={size}".encode()) != 0:
            raise OSError(ctypes.get_errno(), f"cannot remount {self.data}")

    def collect(self, cluster, dataset, transitions, seed=1):
        """Submits the experiment of this name, and returns its id."""
        text = COLLECT.format(dataset=dataset, transitions=transitions, seed=seed)
        return cluster.submit(self.write(f"{dataset}.yaml", text))

    def episodes(self, dataset, *where):
        """How many episodes are stored; 0 where there is no dataset yet."""
        shown = call("datasets", "show", dataset, *where, "--json")
        return json.loads(shown.stdout)["episodes"] if shown.returncode == 0 else 0

    def assert_intact(self, dataset, *where):
        verified = call("datasets", "verify", dataset, *where)
        self.assertEqual(0, verified.returncode, verified.stdout + verified.stderr)

    def assert_template_intact(self, *where):
        """By what is stored, not by what is said about it."""
        for dataset in ("demos", "others"):
            self.assert_intact(dataset, *where)
            self.assertEqual(Template.digest[dataset], call_json("datasets", "digest", dataset, *where)["digest"])

    def assert_refused(self, done, *words):
        """That a program ended with status 1 and one line that says all this."""
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        self.assertEqual(1, len(done.stderr.splitlines()), done.stderr)
        for word in words:
            self.assertIn(str(word), done.stderr)

    def start_in_vain(self, data):
        """A coordinator that is not to start."""
        return subprocess.run(
            [BIN / "understudy-coordinator", "--listen", f"127.0.0.1:{free_port()}", "--data_dir", data],
            capture_output=True, text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL)

    def kill(self, process):
        process.kill()
        process.wait()


@unittest.skipIf(NO_MOUNTS, f"mounting is not permitted here: {NO_MOUNTS}")
class FullDisk(StorageTestCase):
    def test_fails_the_stage_by_name_and_loses_nothing_that_was_stored(self):
        self.mount("2m")
        self.copy_template()
        cluster = self.cluster()
        coordinator = cluster.coordinator()
        cluster.actor()
        large = self.collect(cluster, "large", 2000000)
        finished = cluster.finish(large)
        self.assertEqual("FAILED", finished["status"])
        error = finished["stages"][0]["error"]
        for word in ("dataset 'large'", "full"):
            self.assertIn(word, error)
        stored = self.episodes("large", "--coordinator", cluster.address)
        self.assertGreater(stored, 0)
        self.assert_intact("large", "--coordinator", cluster.address)
        self.assert_template_intact("--coordinator", cluster.address)

        self.kill(coordinator)  # so that nothing is tidied up
        self.assertEqual(stored, self.episodes("large", "--data_dir", self.data))
        self.assert_intact("large", "--data_dir", self.data)
        self.assert_template_intact("--data_dir", self.data)

        self.remount("32m")
        cluster.coordinator()
        # Its failure may not have been written either: then it goes on by itself, and would fill this disk, too.
        cluster.call_json("experiments", "cancel", large)
        self.assertGreaterEqual(self.episodes("large", "--coordinator", cluster.address), stored)
        self.assert_succeeded(cluster.finish(self.collect(cluster, "again", 500)))
        again = cluster.call_json("datasets", "digest", "again")["digest"]
        self.assertEqual(Template.digest["others"], again)
        self.assert_template_intact("--coordinator", cluster.address)

    def test_refuses_a_new_store_and_leaves_nothing_behind(self):
        self.mount("1m")
        with contextlib.suppress(OSError), open(self.data / "filler", "wb", buffering=0) as filler:
            while filler.write(bytes(4096)):
                pass
        new = self.data / "new"
        self.assert_refused(self.start_in_vain(new), new, "full")
        self.assertEqual([self.data / "filler"], list(self.data.iterdir()))


@unittest.skipIf(NO_MOUNTS, f"mounting is not permitted here: {NO_MOUNTS}")
class ReadOnlyDisk(StorageTestCase):
    def test_is_read_but_refuses_whoever_would_write(self):
        self.mount("8m")
        self.copy_template()
        self.remount("8m", read_only=True)
        self.assert_template_intact("--data_dir", self.data)
        self.assert_refused(self.start_in_vain(self.data), self.data, "Read-only")
        self.assert_refused(self.start_in_vain(self.data / "new"), self.data / "new", "Read-only")
        self.assert_refused(call("datasets", "delete", "demos", "--data_dir", self.data), self.data, "Read-only")
        experiment = self.write("stored.yaml", STORED)
        self.assert_refused(call("run", experiment, "--data_dir", self.data), self.data, "Read-only")
        self.assert_template_intact("--data_dir", self.data)

    def test_is_read_with_what_a_killed_coordinator_left(self):
        self.mount("32m")
        self.copy_template()
        cluster = self.cluster()
        coordinator = cluster.coordinator()
        cluster.actor()
        self.collect(cluster, "endless", 100000000)
        wait_until(lambda: self.episodes("endless", "--coordinator", cluster.address), "an episode")
        self.kill(coordinator)
        self.remount("32m", read_only=True)
        self.assertGreater(self.episodes("endless", "--data_dir", self.data), 0)
        self.assert_intact("endless", "--data_dir", self.data)
        self.assert_template_intact("--data_dir", self.data)


class Damage(StorageTestCase):
    def setUp(self):
        super().setUp()
        self.copy_template()
        self.store = self.data / "understudy.sqlite"

    def flip_byte_of(self, dataset, episode):
        with contextlib.closing(sqlite3.connect(f"file:{self.store}?mode=ro&immutable=1", uri=True)) as database:
            (content,), = database.execute(
                "SELECT content FROM episodes WHERE number = ? AND dataset = "
                "(SELECT id FROM datasets WHERE name = ?)", (episode, dataset))
        file = bytearray(self.store.read_bytes())
        self.assertEqual(1, file.count(content))
        file[file.index(content) + len(content) // 2] ^= 1
        self.store.write_bytes(file)

    def test_of_one_byte_is_named_and_all_else_is_read(self):
        self.flip_byte_of("demos", 7)
        cluster = self.cluster()
        cluster.coordinator()
        for where in (("--data_dir", self.data), ("--coordinator", cluster.address)):
            verified = call("datasets", "verify", "demos", "--json", *where)
            self.assertEqual(1, verified.returncode)
            found = json.loads(verified.stdout)
            self.assertEqual(self.episodes("demos", *where) - 1, found["episodes"])
            self.assertEqual(1, len(found["problems"]), found)
            self.assertIn("dataset 'demos', episode 7:", found["problems"][0])
            self.assertIn("demos is damaged", verified.stderr)
            digest = call("datasets", "digest", "demos", *where)
            self.assertEqual(1, digest.returncode)
            self.assertIn("dataset 'demos', episode 7:", digest.stderr)
            self.assert_intact("others", *where)
            self.assertEqual(Template.digest["others"], call_json("datasets", "digest", "others", *where)["digest"])

    def test_that_cut_the_store_short_is_said_by_every_program(self):
        size = self.store.stat().st_size
        experiment = self.write("stored.yaml", STORED)
        for left in (size // 2, 5000, 0):
            with self.subTest(left=left):
                os.truncate(self.store, left)
                self.assert_refused(self.start_in_vain(self.data), self.store, "is damaged")
                self.assert_refused(call("datasets", "verify", "demos", "--data_dir", self.data), "is damaged")
                self.assert_refused(call("run", experiment, "--data_dir", self.data), self.store, "is damaged")
                self.assertEqual(left, self.store.stat().st_size)

    def test_that_cut_the_store_of_a_killed_coordinator_short_is_found(self):
        cluster = self.cluster()
        coordinator = cluster.coordinator()
        cluster.actor()
        self.collect(cluster, "endless", 100000000)
        wait_until(lambda: self.episodes("endless", "--coordinator", cluster.address), "an episode")
        self.kill(coordinator)
        log = self.data / "understudy.sqlite-wal"
        for left in (self.store.stat().st_size // 2, 4096, 0):
            with self.subTest(left=left):
                logged = log.stat().st_size
                os.truncate(self.store, left)
                verified = call("datasets", "verify", "demos", "--data_dir", self.data)
                self.assertEqual(1, verified.returncode, verified.stdout + verified.stderr)
                self.assertIn("damaged", verified.stderr)
                # What is left of the newest data is not thrown away.
                self.assertEqual(logged, log.stat().st_size)


class Death(StorageTestCase):
    KILLS = 8

    def stored(self):
        """Of the dataset `killed`: its episodes and whether it is complete, as any other process sees the disk."""
        store = f"file:{self.data / 'understudy.sqlite'}?mode=ro"
        with contextlib.closing(sqlite3.connect(store, uri=True)) as database:
            row = database.execute("SELECT episodes, complete FROM datasets WHERE name = 'killed'").fetchone()
        return row or (0, 0)

    def test_in_the_middle_of_commits_loses_nothing_and_changes_nothing(self):
        self.copy_template()
        choose = random.Random(20220623)
        cluster = self.cluster()
        coordinator = cluster.coordinator()
        actor = cluster.actor()
        experiment = self.collect(cluster, "killed", 500000)
        stored, kills = (0, 0), 0
        while kills < self.KILLS and not stored[1]:
            wait_until(lambda: self.stored() > stored, "another episode")
            time.sleep(choose.uniform(0, 0.05))  # not to wait for anything: any instant will do
            before = self.stored()
            self.kill(coordinator)
            kills += not before[1]
            stored = self.stored()
            self.assertGreaterEqual(stored, before)
            self.assert_intact("killed", "--data_dir", self.data)
            coordinator = cluster.coordinator()
        self.assertGreaterEqual(kills, 3)
        self.assert_succeeded(cluster.finish(experiment))
        self.assert_intact("killed", "--coordinator", cluster.address)
        self.assert_template_intact("--coordinator", cluster.address)
        self.assert_succeeded(cluster.finish(self.collect(cluster, "undisturbed", 500000)))
        digests = [cluster.call_json("datasets", "digest", name)["digest"] for name in ("undisturbed", "killed")]
        self.assertEqual(*digests)
        self.assertIsNone(actor.poll())


class TwoCoordinators(StorageTestCase):
    def test_of_one_directory_the_second_names_the_first_and_the_first_goes_on(self):
        self.copy_template()
        cluster = self.cluster()
        first = cluster.coordinator()
        self.assert_refused(self.start_in_vain(self.data), self.data, f"process {first.pid} on ")
        experiment = self.write("stored.yaml", STORED)
        self.assert_refused(call("run", experiment, "--data_dir", self.data), self.data, f"process {first.pid} on ")
        self.assertIsNone(first.poll())
        self.assert_template_intact("--coordinator", cluster.address)
        cluster.actor()
        self.assert_succeeded(cluster.finish(self.collect(cluster, "again", 500)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
