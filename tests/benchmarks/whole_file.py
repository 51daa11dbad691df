"""Files that appear whole or not at all, as common/process/output_file.h has them for programs in C++."""

import argparse
import contextlib
import os
import pathlib
import secrets
import signal
import stat

ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def place(text):
    """An argparse type: the path of a file that can be written. Said now, and not after an hour of measuring."""
    path = pathlib.Path(text)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"{path} is a directory, or in none")
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{path} cannot be written")
    return path


def write(path, text):
    """Writes the file under a random name of its own, syncs it, and renames it into its place. Signals that end a
    program wait meanwhile. Links are followed, permissions are kept; devices and pipes are written to directly."""
    path = pathlib.Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        path.write_text(text)
        return
    temporary = path.parent / f".understudy-{secrets.token_hex(8)}"
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        old = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
        with open(temporary, "x", opener=lambda name, flags: os.open(name, flags, 0o666 if old is None else 0o600)) as file:
            if old is not None:
                os.fchmod(file.fileno(), old)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
