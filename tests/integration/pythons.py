"""Finds a Python that has what a test or a benchmark needs. Debian's packages install for /usr/bin/python3 alone, and on
many machines another Python stands before it on PATH. Standard library only."""

import functools
import importlib.util
import os
import shutil
import subprocess
import sys

DEBIANS = "/usr/bin/python3"


@functools.cache
def with_modules(*modules):
    """The first Python that can import all of these modules: Debian's, the one that runs this, the one on PATH. None: none
    can."""
    for python in dict.fromkeys((DEBIANS, sys.executable, shutil.which("python3"))):
        if python and shutil.which(python) and subprocess.run(
                [python, "-c", f"import {', '.join(modules)}"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL).returncode == 0:
            return python
    return None


def go_on_with(*modules):
    """Starts this program anew with a Python that has these modules, where the one that runs it lacks one and another has
    them all. Returns where that one is this, or where there is none."""
    if all(importlib.util.find_spec(module) for module in modules):
        return
    python = with_modules(*modules)
    if python:
        os.execv(python, [python, *sys.argv])
