"""What happens in a round, drawn from the seed: the same seed gives the same schedule."""

import dataclasses
import random

KINDS = ("actor", "learner", "coordinator", "all")
LEASE = 10  # seconds: kLease of the coordinator
# By how much an incident may prolong a round, in seconds: later ones should fall inside, too.
PROLONGS = 0.3


@dataclasses.dataclass
class Incident:
    at: float       # seconds after the submission
    action: str     # what is done: "SIGKILL", "SIGSTOP", or a kind of cut
    target: str     # a process or a host, "all", or "A and B" for the link between two
    lasts: float    # seconds until it is undone

    def __str__(self):
        undone = {"SIGKILL": "back after", "SIGSTOP": "for"}.get(self.action, "for")
        return f"{self.action} {self.target} at {self.at:.2f} s, {undone} {self.lasts:.2f} s"


@dataclasses.dataclass
class Plan:
    learners: int
    actors: int
    incidents: list

    def layout(self):
        standby = ", a standby learner" if self.learners > 1 else ""
        return f"{self.actors} actor{'s' if self.actors > 1 else ''}{standby}"


def names_of(kind, learners, actors):
    if kind == "learner":
        return ["learner", *(f"learner-{i}" for i in range(2, learners + 1))]
    return [f"actor-{i}" for i in range(1, actors + 1)] if kind == "actor" else [kind]


def instants(draw, seconds):
    """When incidents happen, in a run that takes so many seconds when it is left alone."""
    count = draw.choice((1, 1, 2, 2, 3, 4))
    span = seconds + PROLONGS * (count - 1)
    return sorted(draw.uniform(0, 0.97 * span) for _ in range(count))


def processes_round(seed, number, seconds, kinds, long_stops):
    draw = random.Random(f"processes {seed} {number}")
    learners, actors = draw.choice((1, 1, 2)), draw.randint(1, 3)
    incidents = []
    for at in instants(draw, seconds):
        kind = draw.choice(kinds)
        target = draw.choice(names_of(kind, learners, actors))
        if kind == "all" or draw.random() < 0.65:
            incidents.append(Incident(at, "SIGKILL", target, draw.uniform(0, 0.5)))
        elif long_stops and draw.random() < 0.5:
            incidents.append(Incident(at, "SIGSTOP", target, draw.uniform(LEASE + 1, LEASE + 5)))
        else:
            incidents.append(Incident(at, "SIGSTOP", target, 0.05 * 40 ** draw.random()))  # 0.05 to 2 s, mostly short
    return Plan(learners, actors, incidents)


def network_round(seed, number, seconds, long_cuts):
    draw = random.Random(f"network {seed} {number}")
    learners, actors = 1, draw.choice((2, 3))
    hosts = ["coordinator", *names_of("learner", learners, actors), *names_of("actor", learners, actors)]
    incidents = []
    for at in instants(draw, seconds):
        action = draw.choice(("link down", "drop", "reset"))
        # A link that is down cuts its host off from everybody.
        pair = action != "link down" and draw.random() < 0.6
        target = " and ".join(sorted(draw.sample(hosts, 2))) if pair else draw.choice(hosts)
        longest = 20 if long_cuts and draw.random() < 0.5 else 3
        incidents.append(Incident(at, action, target, draw.uniform(0.2, longest)))
    return Plan(learners, actors, incidents)
