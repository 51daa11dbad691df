"""What operators rely on: health, logs that machines read, options from the environment."""

import datetime
import json
import os
import signal
import subprocess
import unittest
import urllib.request

import pythons
from understudy import BIN, EXPERIMENTS, TIMEOUT, Cluster, TestCase, call, call_json, free_port, make_certificates, wait_until

CANONICAL = EXPERIMENTS / "cartpole.yaml"
# An iteration takes ten seconds: what drains has something to wait for.
SLOW = """
name: slow
environment: CartPole-v1
step_latency: 100ms
stages:
  - train: {policy: expert, algorithm: ppo, steps_per_slot: 100}
"""


def health(address, *arguments):
    return call("health", "--server", address, *arguments)


class Health(TestCase):
    def test_says_who_serves_and_which_services(self):
        cluster = self.cluster()
        self.assertEqual(1, health(cluster.address).returncode)
        cluster.coordinator()
        for service in ("", "understudy.v1.Experiments", "understudy.v1.Workers", "understudy.v1.Policies",
                        "understudy.v1.Checkpoints", "understudy.v1.Datasets", "understudy.v1.Rollouts"):
            done = health(cluster.address, *(["--service", service] if service else []))
            self.assertEqual((0, "SERVING\n"), (done.returncode, done.stdout), service)
        unknown = health(cluster.address, "--service", "understudy.v1.Nothing")
        self.assertEqual(1, unknown.returncode)
        self.assertEqual("", unknown.stdout)
        self.assertEqual(0, call("health", environment={"UNDERSTUDY_COORDINATOR": cluster.address}).returncode)
        self.assertEqual(0, call("health", environment={"UNDERSTUDY_SERVER": cluster.address}).returncode)

    def test_of_a_learner_that_drains_is_that_it_does_not_serve(self):
        cluster = self.cluster()
        cluster.coordinator()
        address = f"127.0.0.1:{free_port()}"
        metrics = free_port()
        learner = cluster.start("understudy-learner", "--coordinator", cluster.address, "--listen", address,
                                "--metrics_port", metrics)
        cluster.actor()
        wait_until(lambda: health(address).returncode == 0, "the learner serves")
        self.assertEqual(0, health(address, "--service", "understudy.v1.Rollouts").returncode)
        cluster.submit(self.write("slow.yaml", SLOW))

        def trains():
            with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=TIMEOUT) as answer:
                return b"\nunderstudy_connected_actors 1\n" in answer.read()
        wait_until(trains, "training")
        learner.send_signal(signal.SIGTERM)
        wait_until(lambda: health(address).stdout == "NOT_SERVING\n", "NOT_SERVING")
        self.assertEqual("NOT_SERVING\n", health(address, "--service", "understudy.v1.Rollouts").stdout)
        self.assertIsNone(learner.poll())
        self.assertEqual(0, learner.wait(timeout=TIMEOUT))

    def test_asks_with_a_certificate_where_there_is_tls(self):
        certificates = make_certificates(self.directory / "tls")
        cluster = Cluster(self.directory, certificates)
        self.addCleanup(cluster.stop)
        cluster.coordinator()
        self.assertEqual(1, health(cluster.address).returncode)
        for role in ("client", "actor", "coordinator"):
            done = health(cluster.address, "--tls_dir", certificates / role)
            self.assertEqual((0, "SERVING\n"), (done.returncode, done.stdout), done.stderr)


class Reflection(TestCase):
    def test_lists_the_services(self):
        try:
            import grpc
        except ImportError:
            self.skipTest("THERE IS NO python3-grpcio: reflection is NOT checked")
        cluster = self.cluster()
        cluster.coordinator()
        with grpc.insecure_channel(cluster.address) as channel:
            # ServerReflectionRequest{list_services: ""}
            ask = channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
            answer = next(ask(iter([b"\x3a\x00"]), timeout=TIMEOUT))
        for service in (b"understudy.v1.Experiments", b"understudy.v1.Rollouts", b"grpc.health.v1.Health"):
            self.assertIn(service, answer)


class Logs(TestCase):
    def test_are_json_with_fields_where_asked_for(self):
        cluster = self.cluster()
        daemons = [cluster.coordinator("--log_format", "json"), cluster.learner("--log_format", "json"),
                   cluster.actor("--log_format", "json")]
        experiment = cluster.submit(CANONICAL)
        self.assert_succeeded(cluster.finish(experiment))
        for daemon in reversed(daemons):
            daemon.send_signal(signal.SIGTERM)
            self.assertEqual(0, daemon.wait(timeout=TIMEOUT))
        for name, says in (("coordinator-0", "submitted"), ("learner-1", "training policy"),
                           ("actor-2", "rolling out")):
            text = (self.directory / f"understudy-{name}.log").read_text()
            lines = [json.loads(line) for line in text.splitlines()]
            about = next(line for line in lines if says in line["message"])
            self.assertEqual(experiment, about["experiment"])
            self.assertEqual(f"understudy-{name.split('-')[0]}", about["process"])
            if not name.startswith("coordinator"):
                self.assertGreater(about["epoch"], 0)
                self.assertTrue(all(line["worker"] for line in lines), lines)
            for line in lines:
                self.assertIn(line["level"], ("info", "warning", "error"))
                time = datetime.datetime.fromisoformat(line["time"])
                self.assertLess(abs((datetime.datetime.now(datetime.timezone.utc) - time).total_seconds()), TIMEOUT)


class Environment(TestCase):
    def start(self, program, **environment):
        process = subprocess.Popen([BIN / program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env={**os.environ, **environment})
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def test_gives_options_and_the_command_line_wins(self):
        address = f"127.0.0.1:{free_port()}"
        data = str(self.directory / "data")
        coordinator = self.start("understudy-coordinator", UNDERSTUDY_LISTEN=address, UNDERSTUDY_DATA_DIR=data,
                                 UNDERSTUDY_LOG_FORMAT="json")
        self.assertEqual(f"listening on {address}\n", coordinator.stdout.readline())
        listed = call("workers", "list", environment={"UNDERSTUDY_COORDINATOR": address})
        self.assertEqual(0, listed.returncode, listed.stderr)
        elsewhere = {"UNDERSTUDY_COORDINATOR": "127.0.0.1:1"}
        self.assertEqual(1, call("workers", "list", environment=elsewhere).returncode)
        self.assertEqual(0, call("workers", "list", "--coordinator", address, environment=elsewhere).returncode)
        # A variable for all commands forbids none of them.
        coordinator.terminate()
        coordinator.wait()
        self.assertEqual(0, call("datasets", "list", "--data_dir", data, environment=elsewhere).returncode)

    def test_names_the_place_of_stored_things(self):
        data, other = self.directory / "data", self.directory / "other"
        for directory in (data, other):
            self.assertEqual(0, call("run", CANONICAL, environment={"UNDERSTUDY_DATA_DIR": str(directory)}).returncode)
        call_json("datasets", "delete", "cartpole-expert", "--data_dir", other)

        def datasets(*arguments, **environment):
            done = call("datasets", "list", "--json", *arguments,
                        environment={"UNDERSTUDY_COORDINATOR": "", "UNDERSTUDY_STORE": "", **environment})
            return done.stderr if done.returncode else [dataset["name"] for dataset in json.loads(done.stdout)]
        self.assertEqual(["cartpole-expert"], datasets(UNDERSTUDY_DATA_DIR=str(data)))
        self.assertEqual([], datasets("--data_dir", other, UNDERSTUDY_DATA_DIR=str(data)))
        # Whatever is said of a coordinator outranks it.
        self.assertIn("127.0.0.1:1", datasets("--coordinator", "127.0.0.1:1", UNDERSTUDY_DATA_DIR=str(data)))
        self.assertIn("127.0.0.1:1", datasets(UNDERSTUDY_COORDINATOR="127.0.0.1:1", UNDERSTUDY_DATA_DIR=str(data)))
        self.assertIn("understudy: UNDERSTUDY_DATA_DIR: found '~/x'", datasets(UNDERSTUDY_DATA_DIR="~/x"))

    def test_is_checked_as_the_command_line_is(self):
        process = self.start("understudy-actor", UNDERSTUDY_THREADS="many")
        errors = process.communicate(timeout=TIMEOUT)[1]
        self.assertEqual(2, process.returncode)
        self.assertIn("threads", errors.lower())

    def test_is_shown_by_help(self):
        for program in ("understudy-coordinator", "understudy-learner", "understudy-actor"):
            shown = subprocess.run([BIN / program, "--help"], capture_output=True, text=True, timeout=TIMEOUT).stdout
            for variable in ("UNDERSTUDY_METRICS_PORT", "UNDERSTUDY_LOG_FORMAT", "UNDERSTUDY_LOG_LEVEL"):
                self.assertIn(variable, shown, program)
        self.assertIn("UNDERSTUDY_ACTORS", call("run", "--help").stdout)

    def test_does_not_reach_what_run_starts(self):
        """One port for all of them would be taken."""
        done = call("run", CANONICAL, "--json", "--data_dir", self.directory / "data",
                    environment={"UNDERSTUDY_METRICS_PORT": str(free_port()), "UNDERSTUDY_LISTEN": "nowhere"})
        self.assertEqual(0, done.returncode, done.stderr)


if __name__ == "__main__":
    pythons.go_on_with("grpc")
    unittest.main(verbosity=2)
