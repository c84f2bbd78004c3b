"""Keeps secrets out of Dagster's run storage, where errors are stored with all their causes."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from lydite.environment import hide_in_error

F = TypeVar("F", bound=Callable[..., Any])


def without_secrets(function: F) -> F:
    """Return the function of a step or check; errors that quote a secret are replaced."""
    wrapped = _generator(function) if inspect.isgeneratorfunction(function) else _plain(function)
    return functools.wraps(function)(wrapped)  # type: ignore[return-value]


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - of any step
        try:
            return function(*args, **kwargs)
        except Exception as error:
            replacement = hide_in_error(error)
            if replacement is None:
                raise
        raise replacement  # outside of the except block: it must have no context

    return call


def _generator(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        try:
            return (yield from function(*args, **kwargs))
        except Exception as error:
            replacement = hide_in_error(error)
            if replacement is None:
                raise
        raise replacement

    return call
