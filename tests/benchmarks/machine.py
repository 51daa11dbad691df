"""Where figures were measured, and when."""

import contextlib
import datetime
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


def machine():
    return {"processor": processor(), "openblas": blas.correction()[1], "openblas_corrected": blas.correction()[0],
            "cores": os.cpu_count(), "load": os.getloadavg()[0], "commit": commit(),
            "begun": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")}


def print_busy(about):
    if about["load"] > 0.5 * about["cores"]:
        print("!! this machine is busy: figures are lower than they could be, and so are the ratios of what uses more "
              "cores than what it is compared with")
