"""Times a command of Lydite by function: processor time of all threads, with little overhead.

`python -m benchmarks.time_by_function compare --touchpoints ... --conversions ...`, or `refresh`
for the job of the checkout. Work that threads do in parallel is done one piece after the other, so
that each piece of processor time belongs to one call.
"""

from __future__ import annotations

import concurrent.futures
import signal
import sys
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from benchmarks import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import FrameType

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")
Place = tuple[str, str]
"""The file of a function within `src`, and its name."""

_EVERY = 0.004  # seconds of processor time
_ROWS = 40
_PACKAGES = ("lydite/", "pipelines/")


class InOrder(concurrent.futures.Executor):
    """An executor that runs everything at once, in the calling thread."""

    def __init__(self, *args: object, **options: object) -> None:
        del args, options

    def submit(
        self,
        function: Callable[_Given, _Result],
        /,
        *args: _Given.args,
        **options: _Given.kwargs,
    ) -> concurrent.futures.Future[_Result]:
        """Call the function."""
        future: concurrent.futures.Future[_Result] = concurrent.futures.Future()
        try:
            future.set_result(function(*args, **options))
        except BaseException as error:  # noqa: BLE001 - the future raises it
            future.set_exception(error)
        return future

    def map(  # type: ignore[override]
        self, function: Callable[..., _Result], *items: Iterable[Any], **options: object
    ) -> Iterator[_Result]:
        """Call the function for all items."""
        del options
        return iter([function(*some) for some in zip(*items, strict=False)])


class Sampler:
    """Adds up processor time by function while it runs.

    Attributes
    ----------
    inside
        Seconds within each function, and within what it calls.
    own
        Seconds within each function of Lydite, and within what it calls of other packages.
    """

    def __init__(self) -> None:
        self.inside: dict[Place, float] = defaultdict(float)
        self.own: dict[Place, float] = defaultdict(float)

    def __enter__(self) -> Self:
        """Start."""
        self._last = time.process_time()
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, _EVERY, _EVERY)
        return self

    def __exit__(self, *error: object) -> None:
        """Stop."""
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _sample(self, _: int, frame: FrameType | None) -> None:
        """Add the time since the last sample to the functions on the stack.

        A signal waits until a call of compiled code has ended, which still is the calling line.
        """
        now = time.process_time()
        taken, self._last = now - self._last, now
        seen: set[Place] = set()
        while frame is not None:
            file = frame.f_code.co_filename.rpartition("/src/")[2]
            place = file, frame.f_code.co_name
            if file.startswith(_PACKAGES) and place not in seen:
                if not seen:
                    self.own[place] += taken
                seen.add(place)
                self.inside[place] += taken
            frame = frame.f_back


def report(sampler: Sampler, total: float) -> str:
    """Return both tables in Markdown, the functions with the most time first."""
    parts = []
    for title, seconds in (("inside", sampler.inside), ("own", sampler.own)):
        rows = [
            (f"`{name}` in {file}", f"{taken:.2f} s", f"{taken / total:.0%}")
            for (file, name), taken in sorted(seconds.items(), key=lambda item: -item[1])[:_ROWS]
        ]
        parts.append(tables.table((title, "processor", "share"), rows))
    return "\n\n".join([f"{total:.1f} s of processor time.", *parts])


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and print its time by function."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    concurrent.futures.ThreadPoolExecutor = InOrder  # type: ignore[misc, assignment]
    began = time.process_time()
    with Sampler() as sampler:
        _run(given)
    print(report(sampler, time.process_time() - began))


def _run(given: list[str]) -> None:
    if given[:1] == ["refresh"]:
        from pipelines import refresh  # noqa: PLC0415 - its imports count too

        refresh.main(given[1:])
        return
    from lydite.cli import main as lydite  # noqa: PLC0415

    sys.argv = ["lydite", *given]
    try:
        lydite()
    except SystemExit as ended:
        if ended.code:
            raise


if __name__ == "__main__":
    main()
