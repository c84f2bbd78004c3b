"""How a step runs: its errors, its duration, and the order in which its tables are reported."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from graphlib import TopologicalSorter

import dagster as dg

from lydite.dagster.metadata import Result
from lydite.errors import InputError, explain_system_error

#: Further attempts of a step after an error that may pass by itself, such as of the network.
RETRIES = 1
RETRY_SECONDS = 5


@contextmanager
def retried_after_crashes() -> Iterator[None]:
    """Ask for another attempt after an error that may pass by itself, such as a locked file.

    Input that cannot be used stays the same, and a disk that is full, damaged or not writable
    needs a person. Not by a policy of Dagster: it would also start a step again that was stopped.
    """
    try:
        yield
    except (dg.Failure, dg.RetryRequested):
        raise
    except Exception as error:
        if was_stopped(error):
            raise dg.DagsterExecutionInterruptedError from error
        if isinstance(error, InputError):
            raise dg.Failure(str(error), allow_retries=False) from error
        if explain_system_error(str(error)) is not None:
            raise dg.Failure("A disk or file needs a person.", allow_retries=False) from error
        raise dg.RetryRequested(RETRIES, RETRY_SECONDS) from error


def was_stopped(error: BaseException | None) -> bool:
    """Return whether an error came of a signal, also of one within a query of DuckDB."""
    while error is not None:
        if isinstance(error, dg.DagsterExecutionInterruptedError | KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def parents_first(specs: Sequence[dg.AssetSpec]) -> list[dg.AssetKey]:
    """Return the keys of assets, each after those of the same step that it depends on."""
    graph = {spec.key: [dep.asset_key for dep in spec.deps] for spec in specs}
    return [key for key in TopologicalSorter(graph).static_order() if key in graph]


def report_results(
    context: dg.AssetExecutionContext,
    make: Callable[[], Result | Iterator[Result]],
    keys: Sequence[dg.AssetKey],
) -> Iterator[Result]:
    """Run a step, and yield the results of the selected assets, with the seconds that it took.

    A step makes all its tables. Those that were not selected are reported as materialised too.

    Parameters
    ----------
    context
        Of the step.
    make
        Makes the tables, and returns the result, or yields the results.
    keys
        The assets of the step, each after those that it depends on.
    """
    started = time.monotonic()
    with retried_after_crashes():
        made = make()
        results = [made] if isinstance(made, dg.MaterializeResult) else list(made)
    seconds = round(time.monotonic() - started, 3)
    found = {result.asset_key or keys[0]: result.metadata or {} for result in results}
    for key in keys:
        if key not in found:
            continue
        metadata = {**found[key], "seconds": seconds}
        if key in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)
        else:
            context.log_event(dg.AssetMaterialization(key, metadata=metadata))
