"""How much freed memory a process keeps."""

from __future__ import annotations

import contextlib
import ctypes

# Parameters of glibc's `mallopt`.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -2, -3, -8
_KEPT = 1 << 29  # bytes
_AT_ONCE = 1 << 26  # bytes that are asked of the operating system
_LARGE = 1 << 25  # bytes; the memory of larger arrays always goes back


def keep_freed_memory() -> None:
    """Let the process keep up to 512 MB of freed memory, for its next arrays.

    Otherwise every array of some megabytes is memory that the operating system clears first. Does
    nothing where the C library is not glibc.
    """
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        for parameter, value in (
            (_M_TRIM_THRESHOLD, _KEPT),
            (_M_TOP_PAD, _AT_ONCE),
            (_M_MMAP_THRESHOLD, _LARGE),
            (_M_ARENA_MAX, 1),  # one heap for all threads, since each has its limit
        ):
            libc.mallopt(parameter, value)
