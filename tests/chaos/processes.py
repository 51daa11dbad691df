"""Real processes that are killed, stopped and started again. Standard library only; all happens on one thread."""

import ctypes
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("UNDERSTUDY_BIN", str(REPOSITORY / "build" / "release" / "bin"))
sys.path.insert(0, str(REPOSITORY / "tests" / "integration"))
from understudy import BIN, EXPERIMENTS, free_port  # noqa: E402

__all__ = ["BIN", "EXPERIMENTS", "Cluster", "Failure", "LocalHost", "end_on_signals", "wait_until"]

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
# Far more than anything here takes: a hang, not slowness, is what they find.
CALL_TIMEOUT = 60
DRAIN_TIMEOUT = 15
TICK = 0.002


class Failure(Exception):
    """Something is not as it must be; the text says what."""


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end_on_signals():
    """SIGTERM and SIGHUP end a script as Ctrl-C does: what it has begun is cleaned up."""
    def end(number, frame):
        raise KeyboardInterrupt
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


def wait_until(condition, what, timeout=30, meanwhile=lambda: None):
    """Polls what other processes do, who cannot tell us by themselves."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"not within {timeout} s: {what}")
        meanwhile()
        time.sleep(TICK)


class LocalHost:
    """This machine. Every host says how to run a command on it, and which address it has."""
    address = "127.0.0.1"
    flags = []

    def command(self, arguments):
        return [str(argument) for argument in arguments]


class Process:
    """A program in one life after another."""

    def __init__(self, name, host, arguments, directory):
        self.name = name
        self.log_path = directory / f"{name}.log"
        self.restart_at = None  # it is dead, and meant to be, until then
        self.surprises = []     # ends that nobody had asked for
        self.command = host.command(arguments)
        self.popen = None

    def start(self):
        self.restart_at = None
        with open(self.log_path, "a") as log:
            log.write(f"--- started at {time.time():.3f}\n")
            log.flush()
            self.popen = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          start_new_session=True, preexec_fn=die_with_parent)

    def alive(self):
        return self.popen is not None and self.popen.poll() is None

    def signal(self, number):
        self.popen.send_signal(number)  # to nobody where it has been reaped

    def kill(self, restart_at=None):
        self.popen.kill()
        self.popen.wait()
        self.restart_at = restart_at

    def tick(self, now):
        """Starts it again where it is time to, or where it has ended by itself."""
        if self.restart_at is not None:
            if now >= self.restart_at:
                self.start()
        elif not self.alive():
            self.surprises.append(f"{self.name} ended by itself with {self.popen.returncode}: {self.log_path}")
            self.start()

    def heard(self, text):
        return self.log_path.exists() and text in self.log_path.read_text(errors="replace")

    def stop(self):
        """SIGTERM, as an operator ends it."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            status = self.popen.wait(timeout=DRAIN_TIMEOUT)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} did not end within {DRAIN_TIMEOUT} s of SIGTERM: {self.log_path}") from None
        if status != 0:
            raise Failure(f"{self.name} ended with {status} on SIGTERM: {self.log_path}")


class Cluster:
    """Coordinator, learners and actors. `hosts` has a host for each of them, by name; others are this machine."""

    def __init__(self, directory, hosts=None):
        self.directory = directory
        self.data = directory / "data"
        self.hosts = hosts or {}
        self.home = self.host("coordinator")
        self.address = f"{self.home.address}:{free_port()}"
        self.processes = {}
        self.clients = []

    def host(self, name):
        return self.hosts.get(name, LocalHost())

    def start(self, learners=1, actors=1):
        """All of them; returns once the coordinator listens, while the others still start."""
        coordinator = self.add("coordinator", "--listen", self.address, "--data_dir", self.data, *self.home.flags)
        for name in ["learner", *(f"learner-{i}" for i in range(2, learners + 1))]:
            host = self.host(name)
            self.add(name, "--coordinator", self.address, "--listen", f"{host.address}:0", *host.flags)
        for i in range(1, actors + 1):
            self.add(f"actor-{i}", "--coordinator", self.address)
        wait_until(lambda: coordinator.heard(f"listening on {self.address}\n"), "the coordinator listens",
                   meanwhile=self.tick)

    def add(self, name, *arguments):
        program = BIN / f"understudy-{name.split('-')[0]}"
        process = self.processes[name] = Process(name, self.host(name), [program, *arguments], self.directory)
        process.start()
        return process

    def of_kind(self, kind):
        return [process for name, process in self.processes.items() if name.split("-")[0] == kind]

    def tick(self):
        for process in self.processes.values():
            process.tick(time.monotonic())

    def surprises(self):
        return [text for process in self.processes.values() for text in process.surprises]

    def client(self, *arguments, **options):
        """Starts a command line beside the coordinator."""
        command = self.home.command([BIN / "understudy", *arguments, "--coordinator", self.address])
        client = subprocess.Popen(command, stdin=subprocess.DEVNULL, text=True, preexec_fn=die_with_parent, **options)
        self.clients = [other for other in self.clients if other.poll() is None] + [client]
        return client

    def call(self, *arguments):
        """A command line's output; it must succeed. Processes are started again meanwhile."""
        with open(self.directory / "call.out", "w+") as output, open(self.directory / "call.err", "w+") as errors:
            client = self.client(*arguments, stdout=output, stderr=errors)
            wait_until(lambda: client.poll() is not None, f"the end of understudy {arguments}", CALL_TIMEOUT, self.tick)
            output.seek(0)
            errors.seek(0)
            if client.returncode != 0:
                raise Failure(f"understudy {' '.join(map(str, arguments))} ended with {client.returncode}: "
                              f"{errors.read().strip()}")
            return output.read()

    def call_json(self, *arguments):
        return json.loads(self.call(*arguments, "--json"))

    def recover(self):
        """Everything that is stopped or dead lives again, and every worker is attached."""
        for process in self.processes.values():
            process.signal(signal.SIGCONT)
            if process.restart_at is not None:
                process.start()

        def attached():
            client = self.client("workers", "list", "--json", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            wait_until(lambda: client.poll() is not None, "an answer", CALL_TIMEOUT, self.tick)
            workers = json.loads(client.stdout.read()) if client.returncode == 0 else []
            client.stdout.close()
            missing = {process.popen.pid for process in self.processes.values()} - {worker["pid"] for worker in workers}
            return missing == {self.processes["coordinator"].popen.pid}
        wait_until(attached, "every worker is attached", CALL_TIMEOUT, self.tick)

    def stop(self):
        """In good order: workers first."""
        for name in sorted(self.processes, key=lambda name: name == "coordinator"):
            self.processes[name].stop()

    def kill(self):
        for process in self.processes.values():
            if process.alive():
                process.kill()
        for client in self.clients:
            if client.poll() is None:
                client.kill()
                client.wait()
