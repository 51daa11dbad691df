"""Workers of our own making, in Python: they can say anything to the real coordinator and the real learner."""

import array
import hashlib
import queue

import grpc
import xxhash

from stubs import Messages

PROTOCOL_VERSION = 6
LIMITS = (4.8, float("inf"), 0.418879032, float("inf"))  # of CartPole's observations
TIMEOUT = 60

v1 = Messages()


class Refused(Exception):
    """What a call ended with."""

    def __init__(self, error):
        super().__init__(f"{error.code().name}: {error.details()}")
        self.code = error.code()
        self.details = error.details()


def answer(call):
    """Of a unary call, or of one with a stream of requests."""
    try:
        return call()
    except grpc.RpcError as error:
        raise Refused(error) from None


class Stream:
    """A bidirectional call: send what you like, read until it ends. `heartbeat` is sent whenever a second has passed."""

    def __init__(self, method, *messages, heartbeat=None):
        self._outgoing = queue.Queue()
        for message in messages:
            self._outgoing.put(message)
        self._heartbeat = heartbeat
        self._call = method(iter(self._next, None), timeout=TIMEOUT)

    def _next(self):
        try:
            return self._outgoing.get(timeout=1 if self._heartbeat else None)
        except queue.Empty:
            return self._heartbeat

    def send(self, message):
        self._outgoing.put(message)

    def read(self):
        try:
            return next(self._call)
        except grpc.RpcError as error:
            raise Refused(error) from None

    def read_until(self, wanted):
        while True:
            message = self.read()
            if wanted(message):
                return message

    def refusal(self):
        """Reads to the end, which must be an error."""
        try:
            while True:
                self.read()
        except Refused as refused:
            return refused

    def active(self):
        return self._call.is_active()

    def end(self):
        self._outgoing.put(None)
        self._call.cancel()


def channel(address):
    options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1),
               ("grpc.use_local_subchannel_pool", 1)]
    return grpc.insecure_channel(address, options=options)


def hello(kind, worker_id, **fields):
    base = {"protocol_version": PROTOCOL_VERSION, "worker_id": worker_id, "kind": kind, "host": "nowhere", "pid": 1}
    return v1.WorkerMessage(hello=v1.WorkerHello(**{**base, **fields}))


HEARTBEAT = v1.WorkerMessage(heartbeat=v1.WorkerHeartbeat())


def attach_learner(workers, worker_id):
    return Stream(workers.Attach, hello(v1.WORKER_KIND_LEARNER, worker_id, rollouts_address="127.0.0.1:1"),
                  heartbeat=HEARTBEAT)


def attach_actor(workers, worker_id):
    return Stream(workers.Attach, hello(v1.WORKER_KIND_ACTOR, worker_id), heartbeat=HEARTBEAT)


def checksum(content):
    return xxhash.xxh3_64_intdigest(content)


def policy(policy_name, parameters, **changes):
    """The chunks of a policy for CartPole-v1, whose header and checksum are right but for the changes."""
    total = changes.pop("checksum", checksum(parameters))
    header = v1.PolicyHeader(name=policy_name, environment="CartPole-v1", parameter_count=len(parameters) // 4)
    header.network.type, header.network.activation, header.network.trunk = "mlp", "tanh", "separate"
    header.network.hidden_sizes.append(4)
    header.observation_space.box.shape.append(4)
    header.observation_space.box.low.extend(-limit for limit in LIMITS)
    header.observation_space.box.high.extend(LIMITS)
    header.action_space.discrete.n = 2
    low, high = (" ".join(f"{number:.9g}" for number in bounds)
                 for bounds in (header.observation_space.box.low, header.observation_space.box.high))
    text = f"network mlp [4] tanh separate; observations Box(4; low {low}; high {high}); actions Discrete(2)"
    header.fingerprint = hashlib.sha256(text.encode()).digest()
    for field, value in changes.items():
        setattr(header, field, value)
    yield v1.PolicyChunk(header=header, checksum=total)
    for at in range(0, len(parameters), 1 << 20):
        yield v1.PolicyChunk(parameters=parameters[at:at + (1 << 20)])


def publication(stage, chunks):
    yield v1.PublishPolicyRequest(stage=stage)
    for chunk in chunks:
        yield v1.PublishPolicyRequest(chunk=chunk)


def actor_hello(stage, **fields):
    base = {"protocol_version": PROTOCOL_VERSION, "worker_id": "hostile", "stage": stage}
    return v1.ActorMessage(hello=v1.ActorHello(**{**base, **fields}))


def floats(*numbers):
    return array.array("f", numbers).tobytes()


def result(request):
    """What an honest actor might answer: episodes of one step, or a segment of every slot within one episode."""
    answer_ = v1.RolloutResult(request_id=request.id, last=True)
    batch = answer_.batch
    batch.environment, batch.policy, batch.policy_version = "CartPole-v1", request.policy, request.policy_version
    batch.action_mode = request.action_mode
    work = request.episodes if request.HasField("episodes") else request.segments
    steps = 1 if request.HasField("episodes") else request.segments.steps
    for number in range(work.begin, work.end):
        if request.HasField("episodes"):
            batch.trajectories.add(episode=number, steps=1, terminated=True)
        else:
            batch.trajectories.add(slot=number, steps=steps)
            answer_.states.add(slot=number, steps=steps, episode_step=steps, environment=b"somewhere")
    count = (work.end - work.begin) * steps
    batch.observations = floats(*[0.0] * (4 * (count + work.end - work.begin)))
    batch.actions = bytes(4 * count)
    batch.rewards = floats(*[1.0] * count)
    batch.log_probs = floats(*[0.0] * count)
    if v1.RECORD_VALUE in request.record:
        batch.values = floats(*[0.0] * count)
    if v1.RECORD_LOGITS in request.record:
        batch.logits = floats(*[0.0] * (2 * count))
    return v1.ActorMessage(result=answer_)
