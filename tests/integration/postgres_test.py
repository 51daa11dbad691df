"""Coordinators on a PostgreSQL database: whatever happens to them or to its server, what comes out is what an
undisturbed run on SQLite gives."""

import json
import re
import signal
import subprocess
import tempfile
import time
import unittest

from postgres import PostgresServer
from understudy import (BIN, EXPERIMENTS, Cluster, TestCase, call, call_json, digests, free_port, log_of,
                        make_certificates, wait_until)

CANONICAL = EXPERIMENTS / "cartpole.yaml"

# Collects long enough for something to happen meanwhile.
COLLECTING = """
name: collecting
environment: CartPole-v1
stages:
  - train: {policy: expert, algorithm: ppo, seed: 0, stop: {mean_return: 475, episodes: 100}}
  - collect: {policy: expert, dataset: many, transitions: 3000000, seed: 0}
  - evaluate: {policy: expert, episodes: 100, seed: 1}
"""


class StoreCluster(Cluster):
    """Coordinators on one database, and workers that know the addresses of all."""

    def __init__(self, directory, url, *others):
        super().__init__(directory)
        self.url = url
        self.first_address = self.address
        self.addresses = ",".join([self.address, *others])

    def start_coordinator(self, address=None):
        return self.start("understudy-coordinator", "--listen", address or self.address, "--store", self.url)

    def coordinator(self):
        process = self.start_coordinator()
        self.await_active(process)
        return process

    def learner(self):
        return self.start("understudy-learner", "--coordinator", self.addresses, "--listen", "127.0.0.1:0")

    def actor(self, *arguments):
        return self.start("understudy-actor", "--coordinator", self.addresses, *arguments)

    def await_active(self, process, address=None):
        line = process.stdout.readline()
        if line != f"listening on {address or self.address}\n":
            raise AssertionError(f"the coordinator said {line!r}: {log_of(process)}")

    def await_log(self, process, pattern):
        try:
            wait_until(lambda: re.search(pattern, log_of(process)), f"{pattern} in the log", timeout=15)
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{log_of(process)}") from None


class PostgresCase(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PostgresServer()
        cls.addClassCleanup(cls.server.remove)
        cls.databases = 0
        with tempfile.TemporaryDirectory(prefix="understudy-test-") as directory:
            cls.canonical = digests(call_json("run", CANONICAL, "--data_dir", directory))
        with tempfile.TemporaryDirectory(prefix="understudy-test-") as directory:
            with open(f"{directory}/collecting.yaml", "w") as file:
                file.write(COLLECTING)
            cls.collecting = digests(call_json("run", file.name, "--data_dir", f"{directory}/data"))

    def new_database(self):
        type(self).databases += 1
        return self.server.new_database(f"test{self.databases}")

    def cluster(self, *others):
        cluster = StoreCluster(self.directory, self.new_database(), *others)
        self.addCleanup(cluster.stop)
        return cluster

    def collecting_cluster(self, *others):
        """A cluster in the middle of collecting; its coordinator, and the experiment."""
        cluster = self.cluster(*others)
        coordinator = cluster.coordinator()
        cluster.learner()
        cluster.actor()
        cluster.actor()
        experiment = cluster.submit(self.write("collecting.yaml", COLLECTING))
        self.await_collecting(cluster, experiment)
        return cluster, coordinator, experiment

    def await_collecting(self, cluster, experiment, least=0):
        def collects():
            stage = cluster.call_json("experiments", "show", experiment)["stages"][1]
            self.assertNotEqual("SUCCEEDED", stage["status"], "too fast for this test")
            return stage.get("progress", {}).get("done", 0) > least
        wait_until(collects, "some of the dataset")

    def assert_undisturbed(self, cluster, experiment):
        finished = cluster.finish(experiment)
        self.assert_succeeded(finished)
        self.assertEqual(self.collecting, digests(finished))
        verified = call("datasets", "verify", "many", "--store", cluster.url)
        self.assertEqual(0, verified.returncode, verified.stderr)


class Postgres(PostgresCase):
    def test_gives_what_sqlite_gives(self):
        cluster = self.cluster()
        cluster.coordinator()
        cluster.learner()
        cluster.actor()
        experiment = cluster.finish(cluster.submit(CANONICAL))
        self.assert_succeeded(experiment)
        self.assertEqual(self.canonical, digests(experiment))

    def test_restarted_in_mid_run_only_makes_it_wait(self):
        cluster, coordinator, experiment = self.collecting_cluster()
        self.server.restart()
        cluster.await_log(coordinator, "connected again after|held again")
        self.assert_undisturbed(cluster, experiment)
        self.assertIsNone(coordinator.poll())

    def test_away_for_long_the_coordinator_stands_by_and_goes_on(self):
        cluster, coordinator, experiment = self.collecting_cluster()
        self.server.down()
        try:
            cluster.await_log(coordinator, "not active any more: .*\n(.*\n)*.*standing by: ")
        finally:
            self.server.up()
        cluster.await_active(coordinator)
        self.assert_undisturbed(cluster, experiment)

    def test_password_is_never_logged(self):
        cluster = self.cluster()
        cluster.url = cluster.url.replace("postgres@", "postgres:a-secret@")
        coordinator = cluster.coordinator()
        standby = cluster.start_coordinator()
        cluster.await_log(standby, r"standing by: process \d+ on \S+ is active on postgresql://postgres:\*\*\*@/test")
        self.server.restart()
        cluster.await_log(coordinator, "trying again|taking it again|held again")
        refused = call("datasets", "delete", "none", "--store", cluster.url.replace("/test", "/nowhere"))
        self.assertIn("postgres:***@/nowhere", refused.stderr)
        for text in (log_of(coordinator), log_of(standby), refused.stderr):
            self.assertNotIn("a-secret", text)

    def test_in_use_it_can_be_read_but_not_written(self):
        cluster = self.cluster()
        coordinator = cluster.coordinator()
        self.assertEqual([], json.loads(call("datasets", "list", "--json", "--store", cluster.url).stdout))
        refused = call("datasets", "delete", "none", "--store", cluster.url)
        self.assertEqual(1, refused.returncode)
        self.assertIn(f"in use by process {coordinator.pid} on ", refused.stderr)

    def test_that_is_not_there_is_an_error_at_once(self):
        url = self.server.url.replace("/postgres?", "/nowhere?")
        for command in (["understudy-coordinator", "--listen", "127.0.0.1:0"], ["understudy", "datasets", "list"]):
            done = subprocess.run([BIN / command[0], *command[1:], "--store", url], capture_output=True, text=True,
                                  timeout=30)
            self.assertEqual(1, done.returncode)
            self.assertIn('database "nowhere" does not exist', done.stderr)


class Tls(TestCase):
    def test_every_session_is_encrypted_and_the_server_is_who_it_should_be(self):
        server = PostgresServer()
        self.addCleanup(server.remove)
        server.sql("CREATE ROLE understudy LOGIN PASSWORD 'secret'")
        server.sql("CREATE DATABASE understudy OWNER understudy")
        port = free_port()
        server.serve_tls(port, make_certificates(self.directory / "tls") / "coordinator")
        url = f"postgresql://understudy:secret@localhost:{port}/understudy?sslmode=verify-full&sslrootcert="

        strangers = make_certificates(self.directory / "strangers") / "coordinator" / "ca.crt"
        refused = subprocess.run([BIN / "understudy-coordinator", "--listen", "127.0.0.1:0", "--store",
                                  f"{url}{strangers}"], capture_output=True, text=True, timeout=60)
        self.assertEqual(1, refused.returncode)
        self.assertIn("certificate verify failed", refused.stderr)

        cluster = StoreCluster(self.directory, f"{url}{self.directory}/tls/coordinator/ca.crt")
        self.addCleanup(cluster.stop)
        cluster.coordinator()
        cluster.learner()
        cluster.actor()
        done = cluster.finish(cluster.submit(CANONICAL))
        self.assert_succeeded(done)
        sessions = server.sql("SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                              "WHERE usename = 'understudy'", port).split()
        self.assertGreaterEqual(len(sessions), 2)
        self.assertEqual({"t"}, set(sessions))


class Standby(PostgresCase):
    def test_takes_over_from_one_that_is_killed(self):
        cluster, active, experiment = self.collecting_cluster()
        standby = cluster.start_coordinator()
        cluster.await_log(standby, f"standing by: process {active.pid} on ")
        active.kill()
        killed = time.monotonic()
        cluster.await_active(standby)
        self.assertLess(time.monotonic() - killed, 5)
        self.assert_undisturbed(cluster, experiment)

    def test_takes_over_from_one_that_was_stopped_which_can_write_no_more(self):
        other = f"127.0.0.1:{free_port()}"
        cluster, active, experiment = self.collecting_cluster(other)
        standby = cluster.start_coordinator(other)
        cluster.await_log(standby, f"standing by: process {active.pid} on ")
        active.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        cluster.await_active(standby, other)
        self.assertLess(time.monotonic() - stopped, 5)

        # What actors had sent it is the first thing that it would store.
        active.send_signal(signal.SIGCONT)
        cluster.await_log(active, "cannot add episodes ")
        cluster.await_log(active, f"not active any more: process {standby.pid} on .* has taken over")
        cluster.await_log(active, f"standing by: process {standby.pid} on ")
        cluster.address = other
        self.assert_undisturbed(cluster, experiment)

        standby.send_signal(signal.SIGTERM)
        self.assertEqual(0, standby.wait(timeout=15))
        cluster.await_active(active, cluster.first_address)


class Migration(PostgresCase):
    def test_there_and_back_loses_nothing(self):
        data, back = self.directory / "data", self.directory / "back"
        first = call_json("run", CANONICAL, "--data_dir", data)
        url = self.new_database()
        there = call_json("store", "migrate", "--from", f"sqlite:{data}", "--to", url)
        self.assertEqual(first["stages"][1]["episodes"], there["rows"]["episodes"])
        self.assertEqual({"datasets": 1, "policies": 2, "checkpoints": 0}, there["verified"])
        self.assertEqual(there, call_json("store", "migrate", "--from", url, "--to", f"sqlite:{back}"))
        for place in (["--store", url], ["--data_dir", back]):
            self.assertEqual(call("datasets", "digest", "cartpole-expert", "--data_dir", data).stdout,
                             call("datasets", "digest", "cartpole-expert", *place).stdout)
            for group in ("datasets", "policies"):
                self.assertEqual(call(group, "list", "--json", "--data_dir", data).stdout,
                                 call(group, "list", "--json", *place).stdout)
        cluster = Cluster(self.directory / "back")
        self.addCleanup(cluster.stop)
        (self.directory / "back").rename(self.directory / "there")
        (self.directory / "back").mkdir()
        (self.directory / "there").rename(self.directory / "back" / "data")
        cluster.coordinator()
        self.assertEqual(first["stages"], cluster.call_json("experiments", "show", first["id"])["stages"])

    def test_refuses_a_store_that_is_not_empty_or_in_use(self):
        data = self.directory / "data"
        call_json("run", CANONICAL, "--data_dir", data)
        url = self.new_database()
        call_json("store", "migrate", "--from", f"sqlite:{data}", "--to", url)
        refused = call("store", "migrate", "--from", f"sqlite:{data}", "--to", url)
        self.assertEqual(1, refused.returncode)
        self.assertIn("is not empty: it has experiments", refused.stderr)
        cluster = StoreCluster(self.directory, url)
        self.addCleanup(cluster.stop)
        cluster.coordinator()
        refused = call("store", "migrate", "--from", url, "--to", f"sqlite:{self.directory / 'other'}")
        self.assertIn("is in use by process", refused.stderr)
        self.assertFalse((self.directory / "other").exists())


if __name__ == "__main__":
    unittest.main()
