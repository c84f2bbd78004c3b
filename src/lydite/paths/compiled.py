"""Loops compiled to machine code: one pass where whole arrays would be gone over many times."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

_Loop = TypeVar("_Loop", bound="Callable[..., Any]")


def compiled(loop: _Loop) -> _Loop:
    """Compile a loop over arrays at its first call; other threads run beside it.

    The machine code is kept beside the file, or in the user's cache where that cannot be written.
    Where neither can, each process compiles anew, some ten seconds in all. Places outside an array
    are not looked after: who calls answers for them.
    """
    compile_it = partial(numba.njit, nogil=True, error_model="numpy")
    try:
        return cast("_Loop", compile_it(cache=True)(loop))
    except RuntimeError:  # there is no place to keep it
        return cast("_Loop", compile_it()(loop))
