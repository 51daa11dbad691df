"""What a benchmark is made of, and how one is run: its contestants take turns, round by round."""

from dataclasses import dataclass, field
from typing import Callable, Optional


class Unavailable(Exception):
    """A contestant cannot run here; the text says why, and what to do about it."""


@dataclass(frozen=True)
class Comparison:
    """A row's values beside those of another, round by round. Greater than 1 always means better."""
    to: tuple          # keys of rows; where there are several, the best one by its median counts
    what: str          # "× Python", "of the limit"
    goal: Optional[float] = None  # at least
    share: bool = False           # printed in per cent


@dataclass(frozen=True)
class Row:
    """One figure, measured in every round."""
    key: str
    what: str
    unit: str
    lower_is_better: bool = False
    goal: Optional[float] = None  # at least; at most, where lower is better
    comparisons: tuple = ()


@dataclass(frozen=True)
class Contestant:
    """`run(context)` measures once and returns {key of a row: value}. It may raise Unavailable."""
    name: str
    run: Callable


@dataclass(frozen=True)
class Benchmark:
    name: str
    title: str
    rows: tuple
    contestants: tuple
    rounds: int = 5
    quick_rounds: int = 2
    # Called once before the first round and after the last one.
    set_up: Callable = lambda context: None
    tear_down: Callable = lambda context: None


@dataclass
class Context:
    """What contestants are told. `shared` is for what set_up prepares."""
    directory: object  # a pathlib.Path of this benchmark alone
    quick: bool
    round: int = 0
    shared: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)  # what readers of the figures must know


@dataclass
class Outcome:
    benchmark: Benchmark
    values: dict    # key → one value a round
    left_out: dict  # name of a contestant → why
    notes: list


def measure(benchmark, context, progress=lambda text: None, rounds=None):
    """Every contestant once a round, forwards and backwards in turn, so that a drift of the machine hits all alike."""
    values = {row.key: [] for row in benchmark.rows}
    left_out = {}
    rounds = rounds or (benchmark.quick_rounds if context.quick else benchmark.rounds)
    try:
        benchmark.set_up(context)
        for context.round in range(rounds):
            order = benchmark.contestants if context.round % 2 == 0 else tuple(reversed(benchmark.contestants))
            for contestant in order:
                if contestant.name in left_out:
                    continue
                progress(f"{benchmark.name}: round {context.round + 1} of {rounds}, {contestant.name}")
                try:
                    measured = contestant.run(context)
                except Unavailable as reason:
                    left_out[contestant.name] = str(reason)
                    continue
                for key, value in measured.items():
                    values[key].append(value)
    except Unavailable as reason:  # of set_up: nobody can run
        left_out = {contestant.name: str(reason) for contestant in benchmark.contestants}
    finally:
        benchmark.tear_down(context)
    return Outcome(benchmark, {key: found for key, found in values.items() if found}, left_out,
                   list(dict.fromkeys(context.notes)))
