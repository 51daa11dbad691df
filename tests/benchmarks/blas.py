"""Whether OpenBLAS knows this processor. One that is newer than the library is taken for the oldest, and products are
several times slower than they need be: no baseline is to be beaten for that."""

import ctypes
import functools
import os
import pathlib

OLD = {"Prescott", "Core2", "Penryn", "Dunnington", "Nehalem", "Sandybridge", "Generic", "generic"}
# The best kernels for what the processor has; the first whose flags are all there.
KERNELS = (({"avx512f", "avx512dq", "avx512bw", "avx512vl"}, "SkylakeX"), ({"avx2", "fma"}, "Haswell"))


def better_core(chosen, flags):
    """The core type that OpenBLAS is to be told where it chose an old one on a newer processor; None: it chose well."""
    if chosen not in OLD:
        return None
    return next((core for needed, core in KERNELS if needed <= flags), None)


def _processor_flags():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            return set(line.split(":", 1)[1].split())
    return set()


@functools.cache
def correction():
    """{variable of the environment: value}, empty where none is needed; what OpenBLAS chose by itself."""
    try:
        corename = ctypes.CDLL("libopenblas.so.0").openblas_get_corename
        corename.restype = ctypes.c_char_p
        chosen = corename().decode()
        core = better_core(chosen, _processor_flags())
    except (OSError, AttributeError):
        return {}, "no OpenBLAS"
    if core is None or "OPENBLAS_CORETYPE" in os.environ:
        return {}, chosen
    return {"OPENBLAS_CORETYPE": core}, chosen
