"""Learners advertise an address that actors can reach, or refuse to start; and who cannot reach somebody says so where
people look. Hosts with addresses of their own are network namespaces, which only root can make."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

from understudy import BIN, TIMEOUT, TestCase, call, free_port, log_of, make_certificates, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "chaos"))
from hosts import Network  # noqa: E402

EXPERIMENT = """
name: reach
environment: CartPole-v1
stages:
  - train: {policy: expert, algorithm: ppo, environment_steps: 2048}
"""
NAMESPACES = os.geteuid() == 0 and shutil.which("ip") and shutil.which("nsenter")


def refused(*command):
    """What a program that must refuse to start says."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=TIMEOUT,
                          stdin=subprocess.DEVNULL)
    if done.returncode != 1:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stderr


@unittest.skipUnless(NAMESPACES, "only root can make network namespaces, with iproute2")
class OnHostsOfTheirOwn(TestCase):
    def setUp(self):
        super().setUp()
        network = Network(("coordinator", "learner", "actor"))
        self.addCleanup(network.close)
        self.hosts = network.hosts
        self.cluster_ = self.cluster()
        self.coordinator = f"{self.hosts['coordinator'].address}:50051"

    def start(self, name, *arguments):
        program = BIN / f"understudy-{name}"
        log = open(self.directory / f"{name}.log", "w+")
        process = subprocess.Popen(self.hosts[name].command([program, *arguments]), stdout=subprocess.PIPE, stderr=log,
                                   stdin=subprocess.DEVNULL, text=True)
        process.log = log
        self.cluster_.processes.append(process)
        return process

    def call(self, *arguments):
        done = subprocess.run(self.hosts["coordinator"].command([BIN / "understudy", *arguments, "--coordinator",
                                                                 self.coordinator]),
                              capture_output=True, text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise AssertionError(f"{arguments}: {done.stderr}")
        return done.stdout

    def start_coordinator(self):
        coordinator = self.start("coordinator", "--listen", self.coordinator, "--insecure", "--data_dir",
                                 self.directory / "data")
        self.assertEqual(f"listening on {self.coordinator}\n", coordinator.stdout.readline())

    def train(self, *listen):
        """Trains with a learner that listens like this; returns the address that it advertised."""
        self.start_coordinator()
        self.start("learner", "--coordinator", self.coordinator, "--insecure", *listen)
        self.start("actor", "--coordinator", self.coordinator)
        wait_until(lambda: len(json.loads(self.call("workers", "list", "--json"))) == 2, "both workers")
        workers = json.loads(self.call("workers", "list", "--json"))
        experiment = json.loads(self.call("experiments", "submit", self.write("reach.yaml", EXPERIMENT), "--json"))["id"]
        self.call("experiments", "watch", experiment)
        self.assert_succeeded(json.loads(self.call("experiments", "show", experiment, "--json")))
        return next(worker["rollouts_address"] for worker in workers if worker["kind"] == "learner")

    def test_an_address_that_is_not_given_is_the_one_towards_the_coordinator(self):
        self.assertIn(f"{self.hosts['learner'].address}:", self.train())

    def test_all_addresses_are_advertised_as_the_one_towards_the_coordinator(self):
        self.assertEqual(f"{self.hosts['learner'].address}:50052", self.train("--listen", "0.0.0.0:50052"))

    def test_loopback_is_refused_beside_a_coordinator_elsewhere(self):
        learner = lambda *arguments: refused(*self.hosts["learner"].command(  # noqa: E731
            [BIN / "understudy-learner", "--coordinator", self.coordinator, *arguments]))
        address = self.hosts["learner"].address
        for listen in ("127.0.0.1:50052", "localhost:50052"):
            self.assertIn(f"give --listen {address}:50052 with --tls_dir DIR", learner("--listen", listen))
            self.assertIn(f"give --listen {address}:50052, or --advertise", learner("--listen", listen, "--insecure"))
        # And nothing is opened without TLS that was not asked for.
        said = learner()
        self.assertIn(f"at {address}; refusing to listen there without TLS", said)
        self.assertIn("--insecure", said)


class OnOneHost(TestCase):
    def test_an_actor_that_reaches_no_learner_says_so_where_people_look(self):
        cluster = self.cluster()
        cluster.coordinator()
        nowhere = f"127.0.0.1:{free_port()}"
        cluster.learner("--advertise", nowhere)
        cluster.actor()
        experiment = cluster.submit(self.write("reach.yaml", EXPERIMENT))
        why = f"{nowhere}: Connection refused"
        wait_until(lambda: why in cluster.call_json("experiments", "show", experiment)["stages"][0].get("waiting_for", ""),
                   "the stage says why no actor reaches its learner")
        self.assertIn(why, cluster.call("experiments", "show", experiment).stdout)
        self.assertIn(f"cannot reach a learner: {why}", cluster.call("workers", "list").stdout)
        [actor] = [worker for worker in cluster.call_json("workers", "list") if worker["kind"] == "actor"]
        self.assertEqual(why, actor["unreachable"])
        # It is over once the assignment is.
        cluster.call("experiments", "cancel", experiment)
        wait_until(lambda: all("unreachable" not in worker for worker in cluster.call_json("workers", "list")),
                   "nobody misses anybody")

    def test_a_certificate_for_another_host_is_refused_at_once(self):
        certificates = make_certificates(self.directory / "tls")
        said = refused(BIN / "understudy-learner", "--coordinator", "127.0.0.1:1", "--listen", "127.0.0.2:0",
                       "--tls_dir", certificates / "learner")
        self.assertIn(f"{certificates}/learner/tls.crt: is not for 127.0.0.2, but for localhost, 127.0.0.1", said)

    def test_who_has_no_tls_is_told_that_the_coordinator_has(self):
        certificates = make_certificates(self.directory / "tls")
        cluster = self.cluster(certificates)
        cluster.coordinator()
        plain = ("--coordinator", cluster.address)
        why = f"{cluster.address}: it ends the connection at once, as one that wants TLS: give --tls_dir DIR"
        for program in ("understudy-actor", "understudy-learner"):
            worker = cluster.start(program, *plain)
            wait_until(lambda: why in log_of(worker), f"{program} says why")
        done = call("workers", "list", *plain)
        self.assertEqual(1, done.returncode)
        self.assertIn(why, done.stderr)

    def test_who_has_tls_is_told_that_the_coordinator_has_none(self):
        certificates = make_certificates(self.directory / "tls")
        cluster = self.cluster()
        cluster.coordinator()
        why = f"{cluster.address}: it does not speak TLS"
        for role in ("actor", "learner"):
            worker = cluster.start(f"understudy-{role}", "--coordinator", cluster.address, "--tls_dir",
                                   certificates / role)
            wait_until(lambda: why in log_of(worker), f"the {role} says why")
        done = call("workers", "list", "--coordinator", cluster.address, "--tls_dir", certificates / "client")
        self.assertEqual(1, done.returncode)
        self.assertIn(why, done.stderr)


if __name__ == "__main__":
    unittest.main()
