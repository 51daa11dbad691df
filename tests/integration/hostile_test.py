"""Hostile peers against the real coordinator and the real learner: whatever they send, and however they stall, they are
refused or bounded, and the servers keep serving."""

import contextlib
import copy
import pathlib
import resource
import socket
import time
import unittest

import pythons

if __name__ == "__main__":
    pythons.go_on_with("grpc", "xxhash")

import hostile_peers as peers
from hostile_peers import Refused, Stream, actor_hello, answer, floats, policy, publication, v1
from raw_http2 import HEADERS, PREFACE, SETTINGS, HalfMessage, frame, request_headers, send_halves
from understudy import TestCase, wait_until

EXPERIMENT = """
name: {name}
environment: CartPole-v1
stages:
  - train: {{policy: {name}-policy, algorithm: ppo, environment_steps: 1024, stop: {{mean_return: 475, episodes: 5}}}}
  - collect: {{policy: {name}-policy, dataset: {name}-data, episodes: 3}}
"""
NAN = float("nan")
MIB = 1 << 20
IDLE_CONNECTIONS = 10_000
# The 1 GiB of received bytes at which gRPC begins to cancel calls (server.cc), what comes before it has done so, and
# 10,000 connections. Without that limit it would be all that is sent.
MOST_RSS_MIB = 1024 + 900
HALF_MESSAGES = 60


def spoilt_results():
    """How a result can be wrong, with words of the refusal."""
    def column(name, change):
        def spoil(result):
            setattr(result.batch, name, change(getattr(result.batch, name)))
        return spoil

    def first(**fields):
        def spoil(result):
            for field, value in fields.items():
                setattr(result.batch.trajectories[0], field, value)
        return spoil

    def whole(**fields):
        def spoil(result):
            for field, value in fields.items():
                setattr(result, field, value)
        return spoil

    return [
        (whole(request_id=1 << 60), "not in flight"),
        (whole(sequence=1), "found result 1, expected 0"),
        (column("actions", lambda actions: b"\xff" * len(actions)), "column actions element 0: found -1"),
        (column("observations", lambda observations: observations[:-4]), "column observations: found"),
        (column("rewards", lambda rewards: rewards[:-1]), "column rewards: found"),
        (column("observations", lambda observations: floats(NAN) + observations[4:]), "column observations element 0: found nan"),
        (column("rewards", lambda rewards: floats(float("inf")) + rewards[4:]), "column rewards element 0: found inf"),
        (column("log_probs", lambda log_probs: floats(1.0) + log_probs[4:]), "column log_probs element 0: found 1"),
        (first(steps=1 << 62), "trajectory 0 steps: found 4611686018427387904"),
        (first(steps=-1), "trajectory 0 steps: found -1"),
        (first(slot=-1), "trajectory 0 slot: found -1"),
        (first(episode=-(1 << 63)), "trajectory 0 episode: found -9223372036854775808"),
        (first(first_step=-5), "trajectory 0 first_step: found -5"),
        (lambda result: result.batch.ClearField("trajectories"), "batch trajectories: found 0"),
        (lambda result: setattr(result.batch, "policy_version", 99), "batch policy_version: found 99"),
        (lambda result: setattr(result.batch, "environment", "Elsewhere-v0"), "batch environment: found \"Elsewhere-v0\""),
    ]


class Hostile(TestCase):
    def setUp(self):
        super().setUp()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        # As most systems have it: the servers must raise it by themselves.
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, hard), hard))
        self.servers = self.cluster()
        self.coordinator = self.servers.coordinator()
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.connections = min(IDLE_CONNECTIONS, hard - 2000)
        host, port = self.servers.address.rsplit(":", 1)
        self.address = (host, int(port))
        channel = peers.channel(self.servers.address)
        self.addCleanup(channel.close)
        self.workers = v1.WorkersStub(channel)
        self.rollouts = v1.RolloutsStub(channel)
        self.policies = v1.PoliciesStub(channel)
        self.checkpoints = v1.CheckpointsStub(channel)

    def assert_refused(self, code, words, refusal):
        self.assertIsInstance(refusal, Refused)
        self.assertEqual(code, refusal.code.name, refusal)
        self.assertIn(words, refusal.details)

    def refused(self, code, words, call):
        with self.assertRaises(Refused) as caught:
            answer(call)
        self.assert_refused(code, words, caught.exception)

    def submit(self, name):
        return self.servers.submit(self.write(f"{name}.yaml", EXPERIMENT.format(name=name)))

    def rss(self, what="VmRSS"):
        status = pathlib.Path(f"/proc/{self.coordinator.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith(what)).split()[1]) // 1024

    def assert_serves(self, during):
        seconds = []  # the best of five: the machine may be busy with other things, too
        for _ in range(5):
            began = time.monotonic()
            done = self.servers.call("experiments", "list")
            seconds.append(time.monotonic() - began if done.returncode == 0 else float("inf"))
        print(f"{during}: experiments list in {min(seconds):.2f} s, coordinator has {self.rss()} MiB")
        self.assertLess(min(seconds), 2)
        self.assertLess(self.rss("VmHWM"), MOST_RSS_MIB)

    def assert_still_works(self):
        """An ordinary experiment, with an ordinary learner and actor, comes to its end."""
        self.assert_succeeded(self.servers.finish(self.submit("ordinary")))
        self.assertLess((self.directory / "understudy-coordinator-0.log").stat().st_size, MIB)

    def refuse_results(self, rollouts, stage):
        """Every way in which a result can be wrong, each on a stream of its own."""
        cases = spoilt_results()
        for spoil, words in cases:
            with self.subTest(words=words):
                stream = Stream(rollouts.RollOut, actor_hello(stage))
                request = stream.read_until(lambda message: message.HasField("request")).request
                message = peers.result(request)
                spoil(message.result)
                stream.send(message)
                self.assert_refused("INVALID_ARGUMENT", words, stream.refusal())
        # A message without content; two hellos.
        for message in (v1.ActorMessage(), actor_hello(stage)):
            stream = Stream(rollouts.RollOut, actor_hello(stage), message)
            self.assert_refused("INVALID_ARGUMENT", "expected a result or a failure", stream.refusal())
        stream = Stream(rollouts.RollOut, actor_hello(stage))
        request = stream.read_until(lambda message: message.HasField("request")).request
        message = peers.result(request)
        message.result.batch.observations = bytes(65 * MIB)
        stream.send(message)
        self.assert_refused("RESOURCE_EXHAUSTED", "", stream.refusal())

    def refuse_hellos(self, rollouts, stage):
        other = copy.deepcopy(stage)
        other.epoch += 1
        for code, words, message in (
                ("FAILED_PRECONDITION", "protocol version 1", actor_hello(stage, protocol_version=1)),
                ("FAILED_PRECONDITION", f"epoch {other.epoch}", actor_hello(other)),
                ("INVALID_ARGUMENT", "worker_id", actor_hello(stage, worker_id="")),
                ("INVALID_ARGUMENT", "worker_id", actor_hello(stage, worker_id="x" * 300)),
                ("INVALID_ARGUMENT", "first message is not a hello", v1.ActorMessage(result=v1.RolloutResult())),
                ("INVALID_ARGUMENT", "first message is not a hello", v1.ActorMessage())):
            self.assert_refused(code, words, Stream(rollouts.RollOut, message).refusal())

    def test_workers(self):
        """Whoever is not a worker of ours, and a learner that is one and lies."""
        for code, words, message in (
                ("FAILED_PRECONDITION", "protocol_version: found 1", peers.hello(1, "a", protocol_version=1)),
                ("INVALID_ARGUMENT", "kind: found 7", peers.hello(7, "a")),
                ("INVALID_ARGUMENT", "host", peers.hello(1, "a", host="\x1b[2J")),
                ("INVALID_ARGUMENT", "worker_id", peers.hello(1, "no id")),
                ("INVALID_ARGUMENT", "rollouts_address", peers.hello(2, "a", rollouts_address="x" * 100_000)),
                ("INVALID_ARGUMENT", "hello as the first", v1.WorkerMessage(heartbeat=v1.WorkerHeartbeat()))):
            self.assert_refused(code, words, Stream(self.workers.Attach, message).refusal())
        stream = Stream(self.workers.Attach, peers.hello(1, "a"),
                        v1.WorkerMessage(heartbeat=v1.WorkerHeartbeat(steps_produced=-1)))
        self.assert_refused("INVALID_ARGUMENT", "steps_produced: found -1", stream.refusal())

        experiment = self.submit("hostile")
        learner = peers.attach_learner(self.workers, "liar")
        stage = learner.read_until(lambda assignment: assignment.HasField("learner")).learner.stage
        self.assertEqual(experiment, stage.experiment_id)
        self.refuse_calls_of_a_learner(stage)
        digest = self.publish_the_largest_policy(stage)
        result = v1.TrainResult(policy="hostile-policy", policy_version=1, policy_digest=digest)
        answer(lambda: self.workers.FinishStage(v1.FinishStageRequest(stage=stage, result=result)))
        learner.end()

        actor = peers.attach_actor(self.workers, "hostile")
        stage = actor.read_until(lambda assignment: assignment.HasField("actor")).actor.stage
        self.refuse_hellos(self.rollouts, stage)
        self.refuse_results(self.rollouts, stage)
        self.finish_by_hand(stage)
        actor.end()
        self.assert_succeeded(self.servers.finish(experiment))

    def refuse_calls_of_a_learner(self, stage):
        stale = copy.deepcopy(stage)
        stale.epoch += 1
        report, finish, publish = self.workers.ReportProgress, self.workers.FinishStage, self.policies.Publish
        progress = v1.StageProgress(iteration=1, done=-1)
        small = floats(1, 2, 3)
        self.refused("ABORTED", "epoch", lambda: report(v1.ProgressRequest(stage=stale)))
        self.refused("ABORTED", "xxx…", lambda: report(v1.ProgressRequest(stage=v1.StageKey(experiment_id="x" * MIB))))
        self.refused("INVALID_ARGUMENT", "progress.done: found -1",
                     lambda: report(v1.ProgressRequest(stage=stage, progress=progress)))
        accounting = v1.TrajectoryAccounting(rejected={str(i): 1 for i in range(17)})
        self.refused("INVALID_ARGUMENT", "trajectories.rejected: found 17",
                     lambda: finish(v1.FinishStageRequest(stage=stage, trajectories=accounting)))
        self.refused("ABORTED", "epoch", lambda: finish(v1.FinishStageRequest(stage=stale, error="no")))
        self.refused("INVALID_ARGUMENT", "which it has not published",
                     lambda: finish(v1.FinishStageRequest(stage=stage, result=v1.TrainResult(policy_version=1))))

        name = "hostile-policy"
        chunks = list(publication(stage, policy(name, small)))
        self.refused("INVALID_ARGUMENT", "the stage as the first", lambda: publish(iter(chunks[1:])))
        self.refused("INVALID_ARGUMENT", "no header", lambda: publish(iter([chunks[0], chunks[2]])))
        self.refused("INVALID_ARGUMENT", "a second header", lambda: publish(iter([chunks[0], chunks[1], chunks[1]])))
        self.refused("INVALID_ARGUMENT", "ended before", lambda: publish(iter(chunks[:2])))
        for code, words, key, changes in (
                ("ABORTED", "epoch", stale, {}),
                ("DATA_LOSS", "found fingerprint", stage, {"fingerprint": bytes(32)}),
                ("DATA_LOSS", "found checksum", stage, {"checksum": 1}),
                ("INVALID_ARGUMENT", "found digest length 32, expected 0", stage, {"digest": bytes(32)}),
                ("INVALID_ARGUMENT", "in all", stage, {"parameter_count": 2}),
                ("INVALID_ARGUMENT", "ended before", stage, {"parameter_count": 1 << 25}),
                ("INVALID_ARGUMENT", "found parameter_count -1", stage, {"parameter_count": -1}),
                ("INVALID_ARGUMENT", "cannot publish policy other", stage, {"name": "other"})):
            self.refused(code, words, lambda: publish(publication(key, policy(name, small, **changes))))
        self.refuse_checkpoints(stage, stale)
        self.refused("RESOURCE_EXHAUSTED", "", lambda: self.policies.Get(v1.GetPolicyRequest(name="x" * (65 * MIB))))

    def refuse_checkpoints(self, stage, stale):
        save, load = self.checkpoints.Save, self.checkpoints.Load
        def chunks(**changes):
            header = {"stage": stage, "iteration": 1, "size": 4, "checksum": peers.checksum(b"true"), **changes}
            yield v1.CheckpointChunk(header=v1.CheckpointHeader(**header))
            yield v1.CheckpointChunk(content=b"true")
        for code, words, changes in (
                ("ABORTED", "epoch", {"stage": stale}),
                ("DATA_LOSS", "found checksum", {"checksum": 1}),
                ("INVALID_ARGUMENT", "in all", {"size": 3}),
                ("INVALID_ARGUMENT", "found size -1", {"size": -1}),
                ("INVALID_ARGUMENT", "found iteration -7", {"iteration": -7})):
            self.refused(code, words, lambda: save(chunks(**changes)))
        self.refused("INVALID_ARGUMENT", "no header", lambda: save(iter(list(chunks())[1:])))
        self.refused("INVALID_ARGUMENT", "ended before", lambda: save(iter([])))
        self.refused("ABORTED", "epoch", lambda: list(load(v1.LoadCheckpointRequest(stage=stale))))

    def publish_the_largest_policy(self, stage):
        """192 MiB, up and down: what bounds memory does not hinder who is honest."""
        chunks = list(policy("hostile-policy", bytes(192 * MIB)))
        version = answer(lambda: self.policies.Publish(publication(stage, chunks), timeout=60)).version
        self.assertEqual(1, version)
        self.assertEqual(192 * MIB, sum(len(chunk.parameters) for chunk in self.policies.Download(
            v1.GetPolicyRequest(name="hostile-policy"), timeout=60)))
        return answer(lambda: self.policies.Get(v1.GetPolicyRequest(name="hostile-policy"))).header.digest

    def finish_by_hand(self, stage):
        """Our actor becomes honest; what it repeats is not taken twice."""
        stream = Stream(self.rollouts.RollOut, actor_hello(stage))
        request = stream.read_until(lambda message: message.HasField("request")).request
        half = peers.result(request)
        half.result.last = False
        stream.send(half)
        ack = stream.read_until(lambda message: message.HasField("ack")).ack
        self.assertEqual((3, 0), (ack.accepted, ack.rejected))

    def test_actors_of_the_real_learner(self):
        self.servers.learner()
        experiment = self.submit("trained")
        actor = peers.attach_actor(self.workers, "hostile")
        work = actor.read_until(lambda assignment: assignment.HasField("actor")).actor
        [address] = work.rollouts_addresses
        with contextlib.closing(peers.channel(address)) as channel:
            rollouts = v1.RolloutsStub(channel)
            self.refuse_hellos(rollouts, work.stage)
            self.refuse_results(rollouts, work.stage)
            stream = Stream(rollouts.RollOut, actor_hello(work.stage))
            request = stream.read_until(lambda message: message.HasField("request")).request
            message = peers.result(request)
            message.result.states[0].steps += 1
            stream.send(message)
            self.assert_refused("INVALID_ARGUMENT", "its trajectories lead to", stream.refusal())
        actor.end()
        self.servers.actor()
        self.assert_succeeded(self.servers.finish(experiment))

    def test_floods(self):
        self.servers.learner()
        self.servers.actor()
        print(f"\nat first the coordinator has {self.rss()} MiB")
        loris = self.open_slow_streams()
        with contextlib.ExitStack() as stack:
            def connect(*data):
                connection = stack.enter_context(socket.create_connection(self.address))
                for part in data:
                    connection.sendall(part)
                return connection

            dribble = connect(PREFACE[:10])
            for byte in (PREFACE + frame(SETTINGS))[10:40]:
                dribble.sendall(bytes([byte]))
            with contextlib.suppress(OSError):  # it may be closed before all is sent
                connect(bytes(range(256)) * 4096)
                connect(PREFACE, b"\xff" * 100_000)
                connect(PREFACE + frame(SETTINGS), frame(HEADERS, 4, 1, b"\xff" * 1000))
                connect(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            # Each of these would hold a thread of the server's, of which there are 1,024.
            publish = request_headers(b"/understudy.v1.Policies/Publish")
            streams = b"".join(frame(HEADERS, 4, stream, publish) for stream in range(1, 2001, 2))
            for _ in range(2):
                connect(PREFACE + frame(SETTINGS), streams)
            silent = [connect() for _ in range(self.connections)]
            idle = [connect(PREFACE + frame(SETTINGS)) for _ in range(500)]
            # Whoever comes while they do waits behind them, in the kernel's queue; then the server has them all.
            descriptors = pathlib.Path(f"/proc/{self.coordinator.pid}/fd")
            wait_until(lambda: len(list(descriptors.iterdir())) > self.connections, "the server has accepted them", 8)
            self.assert_serves(f"{len(silent)} silent and {len(idle)} idle connections, 2,000 silent streams")
            # Its policy finds all places of the silent streams taken, and waits until they are given up.
            self.assert_succeeded(self.servers.finish(self.submit("meanwhile")))

            # Ten seconds to begin to speak HTTP/2.
            for connection in (silent[0], silent[-1]):
                connection.settimeout(20)
                while connection.recv(4096):
                    pass
        # Not beside the others: gRPC makes room by closing idle connections first, one after another.
        with contextlib.ExitStack() as stack:
            wait_until(lambda: len(list(descriptors.iterdir())) < 1000, "the server has closed the silent ones", 30)
            halves = [HalfMessage(self.address, b"/understudy.v1.Datasets/Get", 63 * MIB, 60 * MIB)
                      for _ in range(HALF_MESSAGES)]
            for half in halves:
                stack.enter_context(half.socket)
            send_halves(halves, 8)
            self.assert_serves(f"{sum(half.ended is None for half in halves)} half-sent messages, "
                               f"of which {60 * HALF_MESSAGES - sum(half.remaining for half in halves) // MIB} MiB were sent")
        for name, stream in loris.items():
            refusal = stream.refusal()
            self.assertIn(refusal.code.name, ("DEADLINE_EXCEEDED", "CANCELLED", "RESOURCE_EXHAUSTED"), name)
        self.assert_still_works()
        print(f"in the end the coordinator has {self.rss()} MiB, and had {self.rss('VmHWM')} at most")

    def test_looking_around(self):
        """Each stream of gRPC's reflection holds a thread of the server, of which there are 1,024: most are cancelled."""
        channel = peers.channel(self.servers.address)
        self.addCleanup(channel.close)
        look = channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        streams = [Stream(look) for _ in range(200)]
        for stream in streams:
            self.addCleanup(stream.end)
        wait_until(lambda: sum(stream.active() for stream in streams) == 16, "the end of all streams but 16")
        self.assert_serves("streams of reflection")

    def open_slow_streams(self):
        """Streams that say nothing: of each kind one that is returned, and many more."""
        channel = peers.channel(self.servers.address)
        self.addCleanup(channel.close)
        methods = {"Attach": v1.WorkersStub(channel).Attach, "RollOut": v1.RolloutsStub(channel).RollOut}
        first = {name: Stream(method) for name, method in methods.items()}
        for _ in range(10):
            for method in methods.values():
                more = Stream(method)
                self.addCleanup(more.end)
        return first


def tearDownModule():
    v1.remove()


if __name__ == "__main__":
    unittest.main(verbosity=2)
