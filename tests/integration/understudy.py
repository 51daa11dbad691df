"""Starts the real programs for the end-to-end tests. Standard library only."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ["UNDERSTUDY_BIN"])
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
EXPERIMENTS = REPOSITORY / "deploy" / "experiments"
# Far more than anything here takes: a hang, not slowness, is what it finds.
TIMEOUT = 120


def call(*arguments, timeout=TIMEOUT, cwd=None, environment=None):
    """Runs `understudy ARGUMENTS` to its end."""
    return subprocess.run(
        [BIN / "understudy", *map(str, arguments)],
        capture_output=True, text=True, timeout=timeout, cwd=cwd, stdin=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})})


def call_json(*arguments, **options):
    """Runs `understudy ARGUMENTS --json`, which must succeed, and returns the one object that it prints."""
    done = call(*arguments, "--json", **options)
    if done.returncode != 0:
        raise AssertionError(f"understudy {arguments} exited {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout)


_ports = None


def free_port():
    """A port that hardly anybody else takes, even while nobody listens there: another one each time, far from those of
    tests beside this one, and where possible below those that the system gives to whoever does not ask for one by
    number."""
    global _ports
    if _ports is None:
        low = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
        top = low if low > 10_000 else 32_768
        _ports = iter(range(top - 1 - os.getpid() % 256 * 16, 1024, -1))
    for port in _ports:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def make_certificates(directory, *arguments):
    """A private authority and a certificate for each role, as the README says; returns the directory."""
    subprocess.run([REPOSITORY / "deploy" / "tls" / "make-certificates", directory, *arguments], check=True,
                   stdout=subprocess.DEVNULL)
    return pathlib.Path(directory)


def log_of(process):
    """By a file of our own: process.log shares its position with the process, which would go on writing there."""
    return pathlib.Path(process.log.name).read_text()


def wait_until(condition, what, timeout=30):
    """Polls another process's state, which cannot tell us by itself."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(0.02)


class Cluster:
    """A coordinator on a port of its own, and workers, each a process; with TLS where there are certificates for it, as
    make_certificates makes them."""

    def __init__(self, directory, certificates=None):
        self.directory = pathlib.Path(directory)
        self.certificates = certificates
        self.address = f"127.0.0.1:{free_port()}"
        self.processes = []

    def start(self, program, *arguments):
        log = open(self.directory / f"{program}-{len(self.processes)}.log", "w+")
        process = subprocess.Popen([BIN / program, *map(str, arguments)], stdout=subprocess.PIPE, stderr=log,
                                   stdin=subprocess.DEVNULL, text=True)
        process.log = log
        self.processes.append(process)
        return process

    def tls(self, role):
        return ["--tls_dir", self.certificates / role] if self.certificates else []

    def coordinator(self, *arguments):
        process = self.start("understudy-coordinator", "--listen", self.address, "--data_dir", self.directory / "data",
                             *self.tls("coordinator"), *arguments)
        line = process.stdout.readline()
        if line != f"listening on {self.address}\n":
            raise AssertionError(f"the coordinator said {line!r}: {log_of(process)}")
        return process

    def learner(self, *arguments):
        return self.start("understudy-learner", "--coordinator", self.address, "--listen", "127.0.0.1:0",
                          *self.tls("learner"), *arguments)

    def actor(self, *arguments):
        return self.start("understudy-actor", "--coordinator", self.address, *self.tls("actor"), *arguments)

    def call(self, *arguments, **options):
        return call(*arguments, "--coordinator", self.address, *self.tls("client"), **options)

    def call_json(self, *arguments, **options):
        return call_json(*arguments, "--coordinator", self.address, *self.tls("client"), **options)

    def submit(self, path):
        return self.call_json("experiments", "submit", path)["id"]

    def finish(self, experiment):
        """Waits for an experiment's end; returns what it has become."""
        self.call("experiments", "watch", experiment)
        return self.call_json("experiments", "show", experiment)

    def stop(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
            process.log.close()


class TestCase(unittest.TestCase):
    """A test with a directory of its own that is removed afterwards."""

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="understudy-test-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def cluster(self, certificates=None):
        cluster = Cluster(self.directory, certificates)
        self.addCleanup(cluster.stop)
        return cluster

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return path

    def assert_succeeded(self, experiment):
        self.assertEqual("SUCCEEDED", experiment["status"], json.dumps(experiment, indent=1))
        for stage in experiment["stages"]:
            self.assertEqual("SUCCEEDED", stage["status"])


def digests(experiment):
    """What must be equal between any two runs of one experiment."""
    return [stage.get("policy_digest") or stage.get("digest") for stage in experiment["stages"]]
