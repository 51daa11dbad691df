"""Where figures were measured, and when."""

import contextlib
import datetime
import math
import os
import pathlib
import platform
import subprocess

import blas
import programs


def processor():
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=programs.REPOSITORY, capture_output=True,
                          text=True)
    return done.stdout.strip() or "unknown"


def usable_cores():
    """The cores that this process may use, as common/process/usable_cores.h counts them."""
    cores = len(os.sched_getaffinity(0))
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        for mount in (f"/sys/fs/cgroup/{controllers}", "/sys/fs/cgroup/cpu") if controllers else ("/sys/fs/cgroup",):
            group = pathlib.Path(mount + path)
            for directory in (group, *group.parents):
                with contextlib.suppress(OSError, ValueError):
                    if controllers:
                        quota, period = ((directory / f"cpu.cfs_{what}_us").read_text() for what in ("quota", "period"))
                    else:
                        quota, period = (directory / "cpu.max").read_text().split()
                    if int(quota) > 0:
                        cores = min(cores, math.ceil(int(quota) / int(period)))
    return cores


def machine():
    return {"processor": processor(), "openblas": blas.correction()[1], "openblas_corrected": blas.correction()[0],
            "cores": usable_cores(), "load": os.getloadavg()[0], "commit": commit(),
            "begun": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")}


def print_busy(about):
    if about["load"] > 0.5 * about["cores"]:
        print("!! this machine is busy: figures are lower than they could be, and so are the ratios of what uses more "
              "cores than what it is compared with")
