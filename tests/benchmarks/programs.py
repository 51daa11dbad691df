"""Builds what the benchmarks need, and runs it. Standard library only."""

import functools
import json
import os
import pathlib
import subprocess
import sys

import blas
from measuring import Unavailable

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "integration"))

import pythons  # noqa: E402

BUILD = REPOSITORY / "build" / "release"
BIN = pathlib.Path(os.environ.get("UNDERSTUDY_BIN", BUILD / "bin"))
BENCHMARKS = BUILD / "benchmarks"
BASELINE = pathlib.Path(__file__).resolve().parent / "baseline"
DAEMONS = ["understudy", "understudy-coordinator", "understudy-learner", "understudy-actor"]
# Far more than anything here takes: a hang, not slowness, is what it finds.
TIMEOUT = 900

baseline_wanted = True


class ProgramFailed(Exception):
    """The text says which program, and the end of what it said."""


def build(jobs, targets=("benchmarks",)):
    """The programs and these targets, as released."""
    for command in (["cmake", "--preset", "release", "-DBUILD_TESTING=ON"],
                    ["cmake", "--build", "--preset", "release", "-j", str(jobs), "--target", *DAEMONS, *targets]):
        try:
            done = subprocess.run(command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
        except FileNotFoundError:
            raise ProgramFailed("there is no cmake: run deploy/install-dependencies first") from None
        if done.returncode != 0:
            raise ProgramFailed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-4000:]}")


def check_built():
    missing = [name for name in DAEMONS if not (BIN / name).exists()]
    if missing:
        raise ProgramFailed(f"there is no {', '.join(missing)} in {BIN}: leave out --no-build")


def run_json(*command, environment=None):
    """Runs a program that prints one JSON object."""
    if not pathlib.Path(command[0]).exists():
        raise ProgramFailed(f"there is no {command[0]}: leave out --no-build")
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=TIMEOUT, env={**os.environ, **(environment or {})})
    if done.returncode != 0:
        raise ProgramFailed(f"{pathlib.Path(command[0]).name} {' '.join(map(str, command[1:]))} ended with "
                            f"{done.returncode}: {(done.stderr or done.stdout).strip()[-2000:]}")
    return json.loads(done.stdout)


@functools.cache
def baseline_problem():
    """Why the Python baseline cannot run; None: it can."""
    if not baseline_wanted:
        return "--no-baseline"
    if pythons.with_modules("numpy", "torch"):
        return None
    return ("neither Debian's Python nor the one on PATH has numpy and torch; install the baseline's libraries: "
            "apt-get install python3-torch python3-numpy")


def run_baseline(script, **options):
    """Runs baseline/SCRIPT with --NAME VALUE for every option."""
    if baseline_problem() is not None:
        raise Unavailable(baseline_problem())
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    # -B: nothing is written beside the sources.
    return run_json(pythons.with_modules("numpy", "torch"), "-B", BASELINE / script, *words, environment=blas.correction()[0])
