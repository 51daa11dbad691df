"""Rounds: an experiment, what happens to its processes meanwhile, and whether it came to the same as undisturbed."""

import json
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import checks
from processes import EXPERIMENTS, TICK, Cluster, Failure
from schedule import Plan

ROUND_TIMEOUT = 180
EXPERIMENT = EXPERIMENTS / "cartpole.yaml"


class Round:
    """`start` and `end` are told when an incident that the processes themselves know nothing of begins and ends."""
    experiment_file = EXPERIMENT

    def __init__(self, directory, plan, hosts=None, start=None, end=None):
        self.directory = directory
        self.plan = plan
        self.cluster = Cluster(directory, hosts)
        self.cut, self.heal = start, end
        self.inside = 0        # incidents that began before the experiment had ended
        self.seconds = 0       # from the submission to the end
        self.undo = []         # (when, what)

    def begin(self, incident):
        now = time.monotonic()
        if incident.action == "SIGKILL":
            for name, process in self.cluster.processes.items():
                if incident.target in (name, "all"):
                    process.kill(restart_at=now + incident.lasts)
        elif incident.action == "SIGSTOP":
            process = self.cluster.processes[incident.target]
            process.signal(signal.SIGSTOP)
            self.undo.append((now + incident.lasts, lambda: process.signal(signal.SIGCONT)))
        else:
            cut = self.cut(incident)
            self.undo.append((now + incident.lasts, lambda: self.heal(cut)))

    def undo_until(self, now):
        for entry in [entry for entry in self.undo if entry[0] <= now]:
            self.undo.remove(entry)
            entry[1]()

    def follow(self, experiment):
        """Until the experiment has ended. Incidents for which there was no time do not happen."""
        began = time.monotonic()
        watch = self.watch(experiment)
        waiting = list(self.plan.incidents)
        while watch.poll() is None or self.came_too_early(watch):
            if watch.poll() is not None:
                watch = self.watch(experiment)
            now = time.monotonic()
            if now - began > ROUND_TIMEOUT:
                raise Failure(f"the experiment has not ended within {ROUND_TIMEOUT} s")
            while waiting and now >= began + waiting[0].at:
                self.begin(waiting.pop(0))
                self.inside += 1
            self.undo_until(now)
            self.cluster.tick()
            time.sleep(TICK)
        self.seconds = time.monotonic() - began
        self.undo_until(float("inf"))
        if watch.returncode != 0:
            raise Failure(f"the experiment did not succeed: {(self.directory / 'watch.log').read_text().strip()}")

    def watch(self, experiment):
        with open(self.directory / "watch.log", "w") as log:
            return self.cluster.client("experiments", "watch", experiment, stdout=subprocess.DEVNULL, stderr=log)

    def came_too_early(self, watch):
        """It outlives the coordinator, but its beginning needs one."""
        return watch.returncode != 0 and "no coordinator answers" in (self.directory / "watch.log").read_text()

    def run(self):
        """What the experiment came to."""
        try:
            self.cluster.start(self.plan.learners, self.plan.actors)
            experiment = json.loads(self.cluster.call("experiments", "submit", self.experiment_file, "--json"))["id"]
            self.follow(experiment)
            self.cluster.recover()
            found = {"experiment": checks.take_stock(self.cluster, experiment)}
            surprises = self.cluster.surprises()
            checks.require(not surprises, "; ".join(surprises))
            self.cluster.stop()
            found["metrics"] = checks.read_metrics(self.cluster.data / "understudy.sqlite", experiment)
            checks.check_metrics(found["metrics"], found["experiment"])
            return found
        finally:
            self.undo_until(float("inf"))
            self.cluster.kill()


def run_rounds(options, plan_of, make_round):
    """Prints a line a round. `plan_of(number, seconds)` draws a plan, `make_round(directory, plan)` makes its round.
    Returns the exit status."""
    keep = pathlib.Path(options.keep) if options.keep else None
    root = keep or pathlib.Path(tempfile.mkdtemp(prefix="understudy-chaos-"))
    root.mkdir(parents=True, exist_ok=True)
    failed = incidents = inside = 0
    try:
        # The first undisturbed run finds cold caches: not the one to measure.
        for name in ("reference", "again"):
            undisturbed = make_round(new_directory(root / name), Plan(1, 2, []))
            found = undisturbed.run()
            if name == "reference":
                reference = found
        checks.compare(reference, found)
        seconds = undisturbed.seconds  # what a run takes; less where the machine has become less busy
        print(f"undisturbed ok  {seconds:.1f} s", flush=True)
        for number in range(1, options.rounds + 1):
            directory = new_directory(root / f"round-{number}")
            current = make_round(directory, plan_of(number, seconds))
            began = time.monotonic()
            try:
                checks.compare(reference, current.run())
                verdict, why = "ok", ""
            except Failure as failure:
                verdict, why = "FAILED", f"\n    {failure}\n    see {directory}"
                failed += 1
            what = "; ".join(map(str, current.plan.incidents))
            print(f"round {number} {verdict}  {time.monotonic() - began:.1f} s  {current.plan.layout()}  {what}{why}",
                  flush=True)
            incidents += len(current.plan.incidents)
            inside += current.inside
            if verdict == "ok":
                seconds = min(seconds, current.seconds)
            if verdict == "ok" and keep is None:
                shutil.rmtree(directory)
    except Failure as failure:
        print(f"undisturbed FAILED\n    {failure}\n    see {root}", flush=True)
        return 1
    finally:
        if keep is None and failed == 0:
            shutil.rmtree(root, ignore_errors=True)
    print(f"{inside} of {incidents} incidents began before their experiment had ended")
    print(f"{options.rounds - failed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


def new_directory(path):
    if path.exists():
        shutil.rmtree(path)
    path.mkdir()
    return path


def add_options(parser):
    parser.add_argument("--rounds", type=int, default=20, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the schedule")
    parser.add_argument("--keep", metavar="DIR",
                        help="keep what every round leaves there; otherwise, what failed is kept")
