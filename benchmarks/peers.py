"""Benchmark: credit from a path table, compared with other packages.

How long `lydite.credit` takes for six models together, and how long other tools take for the same
path table, each in a separate environment; and how far each result is from the exact answer.
"""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

import lydite
from benchmarks import credit_from_paths, limits, measure, tables
from benchmarks.data import CACHE, about, journey_table
from benchmarks.peer_tools import (
    CALLS,
    FIRST_ORDER,
    HEURISTICS,
    PEERS,
    RUNNER,
    SHAPLEY,
    THIRD_ORDER,
    UnavailableError,
    environment,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.measure import Figures, Spread
    from benchmarks.peer_tools import Peer
    from lydite.attribution.path_credit import Normalise

    Shares = dict[str, dict[str, float]]
    """Shares of credit by model and channel."""

NAME = "peers"
MODELS = ("first_touch", "last_touch", "linear", "markov_1", "markov_3", "shapley")
COMMON = (HEURISTICS, FIRST_ORDER, THIRD_ORDER)
"""The calls whose sum is compared."""
OURS = {"points": False, "intervals": True}
"""Our runs by name, and whether they give intervals."""
WAYS: dict[str, Normalise] = {"lydite": "path", "lydite, global": "global"}
"""Our ways to normalise credit, by name."""


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes
    ----------
    touches
        About how many touches there are, size by size, the smallest first.
    limit
        Seconds that a call of a peer may take.
    gigabytes
        What it may take of memory.
    """

    touches: tuple[int, ...]
    limit: int = 600
    gigabytes: int = 12


FULL, QUICK = Plan((1_000_000, 10_000_000)), Plan((4_000,), 60)


# --- answers --------------------------------------------------------------------------------------


def shares(file: str, normalise: Normalise) -> Figures:
    """Return our shares of credit, named ``model/channel``."""
    paths = pl.read_parquet(file)
    result = lydite.credit(paths, models=list(MODELS), normalise=normalise, intervals=False)
    rows = result.table.select("model", "channel", "share").iter_rows()
    return {f"{model}/{channel}": share for model, channel, share in rows}


def exact(file: Path) -> Shares:
    """Return the exact classical answers.

    Markov models attribute all conversions at once in proportion to removal effects. If a
    coalition is worth the conversions of the paths that need no other channel, Shapley values have
    a closed form: each conversion is divided evenly among the channels of its path.
    """
    return _ours(file, "global") | {SHAPLEY: _even(pl.read_parquet(file))}


def _ours(file: Path, normalise: Normalise) -> Shares:
    return _by_model(measure.once(measure.call(shares, str(file), normalise)))


def _by_model(figures: Figures) -> Shares:
    """Return the shares among some figures."""
    found: Shares = {}
    for name, figure in figures.items():
        model, of, channel = name.partition("/")
        if of:
            found.setdefault(model, {})[channel] = figure
    return found


def _even(table: pl.DataFrame) -> dict[str, float]:
    """Attribute conversions evenly to the distinct channels of their path."""
    channel = pl.col("path").str.split(" > ").list.unique()
    rows = (
        table.select(channel.alias("channel"), "conversions")
        .with_columns(part=pl.col("conversions") / pl.col("channel").list.len())
        .explode("channel")
        .group_by("channel")
        .agg(pl.col("part").sum())
    )
    return dict(rows.select("channel", pl.col("part") / pl.col("part").sum()).iter_rows())


def distances(credit: Shares, reference: Shares) -> dict[str, float]:
    """Return by model the largest difference in a channel's share, in percentage points.

    A model without any credit has no share, and is left out.
    """
    found = {}
    for model, own in credit.items():
        total = sum(own.values())
        if total > 0:
            apart = (
                abs(own.get(channel, 0.0) / total - reference[model].get(channel, 0.0))
                for channel in {*own, *reference[model]}
            )
            found[model] = 100 * max(apart)
    return found


# --- work -----------------------------------------------------------------------------------------


@dataclass
class Attempt:
    """What came of a call: its figures in every round, and its credit; or why it failed."""

    runs: list[Figures] = field(default_factory=list)
    credit: Shares = field(default_factory=dict)
    failed: str | None = None
    too_slow: bool = False

    def result(self, reference: Shares) -> dict[str, Any]:
        """Return what is kept of it."""
        if self.failed is not None:
            return {"failed": self.failed, "too_slow": self.too_slow}
        return {"figures": _spreads(self.runs), "distances": distances(self.credit, reference)}


def attempt(command: Sequence[str], kept: Attempt, answer: Path, limit: int) -> None:
    """Run a peer's call once more, unless it has failed before."""
    if kept.failed is not None:
        return
    answer.unlink(missing_ok=True)
    try:
        kept.runs.append(measure.once(command))
    except subprocess.CalledProcessError as error:
        kept.too_slow = error.returncode == -signal.SIGALRM
        kept.failed = (
            f"takes more than {limit} s" if kept.too_slow else _reason(error.returncode, answer)
        )
    else:
        kept.credit = json.loads(answer.read_text())["credit"]


def _reason(code: int, answer: Path) -> str:
    """Say why a call failed."""
    if answer.exists():
        return str(json.loads(answer.read_text())["failed"])
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"


def _spreads(runs: Sequence[Figures]) -> dict[str, Spread]:
    return {name: measure.spread([run[name] for run in runs]) for name in runs[0]}


def measured(
    plan: Plan,
    repeats: int,
    cache: Path = CACHE,
    peers: Sequence[Peer] = PEERS,
    make: Callable[[Peer, Path], Path] = environment,
    keep: Callable[[Mapping[str, Any]], object] = lambda _: None,
) -> dict[str, Any]:
    """Measure everything in the plan, and return the result that `section` writes about.

    Parameters
    ----------
    plan, repeats
        What is measured, and in how many rounds.
    cache
        The folder of data and environments.
    peers
        The tools.
    make
        Returns the Python of a peer's environment, or raises `UnavailableError`.
    keep
        Is given the result after each size: the next may take long.
    """
    pythons: dict[str, Path] = {}
    failed: dict[str, str] = {}
    for peer in peers:
        print(f"environment of {peer.name}")
        try:
            pythons[peer.name] = make(peer, cache / "peers")
        except UnavailableError as error:
            failed[peer.name] = str(error)
    result: dict[str, Any] = {
        "machine": measure.machine(),
        "repeats": repeats,
        "plan": asdict(plan),
        "peers": [
            {key: getattr(peer, key) for key in ("name", "version", "calls", "takes", "computes")}
            | {"failed": failed.get(peer.name)}
            for peer in peers
        ],
        "sizes": [],
    }
    usable = [peer for peer in peers if peer.name in pythons]
    for touches in plan.touches:
        file = journey_table(touches, folder=cache)
        slow = {key for size in result["sizes"] for key in _too_slow(size)}
        result["sizes"].append(_size(plan, file, repeats, usable, pythons, slow))
        keep(result)
    return result


def _too_slow(size: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the calls that took too long, by peer and call."""
    return [
        (name, call)
        for name, calls in size["peers"].items()
        for call, own in calls.items()
        if own.get("too_slow")
    ]


def _size(
    plan: Plan,
    file: Path,
    repeats: int,
    peers: Sequence[Peer],
    pythons: Mapping[str, Path],
    slow: set[tuple[str, str]],
) -> dict[str, Any]:
    """Measure one path table, round by round."""
    own = {
        "limit": measure.call(limits.sorted_touches, str(file)),
        **{
            name: measure.call(credit_from_paths.ours, str(file), MODELS, intervals)
            for name, intervals in OURS.items()
        },
    }
    runs: dict[str, list[Figures]] = {name: [] for name in own}
    attempts = {(peer.name, call): Attempt() for peer in peers for call in peer.calls}
    for key in slow & attempts.keys():
        attempts[key] = Attempt(failed="took too long with fewer touches", too_slow=True)
    with tempfile.TemporaryDirectory() as folder:
        table, answer = Path(folder) / "paths.csv", Path(folder) / "answer.json"
        pl.read_parquet(file).write_csv(table)
        for number in range(repeats):
            for name, command in own.items():
                print(f"{number + 1}/{repeats} {file.stem} {name}")
                runs[name].append(measure.once(command))
            for peer in peers:
                for call in peer.calls:
                    print(f"{number + 1}/{repeats} {file.stem} {peer.name} {call}")
                    # Without -E, what our own environment holds would be found first.
                    python = [str(pythons[peer.name]), "-E", str(RUNNER), str(peer.module)]
                    bounds = [str(plan.limit), str(plan.gigabytes)]
                    command = [*python, str(table), str(answer), call, *bounds]
                    attempt(command, attempts[peer.name, call], answer, plan.limit)
    reference = exact(file)
    return {
        "data": about(file) | _conversions(file),
        "ours": {name: _spreads(figures) for name, figures in runs.items()},
        "distances": {name: distances(_ours(file, way), reference) for name, way in WAYS.items()},
        "peers": {
            peer.name: {c: attempts[peer.name, c].result(reference) for c in peer.calls}
            for peer in peers
        },
    }


def _conversions(file: Path) -> dict[str, int]:
    return {"conversions": int(pl.read_parquet(file, columns=["conversions"]).sum().item())}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, store its result and print it."""
    parser = measure.parser(__doc__ or "")
    parser.add_argument("--touches", type=int, nargs="+", help="sizes, the smallest first")
    parser.add_argument("--limit", type=int, help="seconds that a call of a peer may take")
    asked = parser.parse_args(arguments)
    plan = QUICK if asked.quick else FULL
    plan = Plan(tuple(asked.touches or plan.touches), asked.limit or plan.limit)
    result = measured(plan, asked.repeats, keep=partial(measure.write, NAME, folder=asked.results))
    print(section(result))


# --- report ---------------------------------------------------------------------------------------


def section(result: Mapping[str, Any]) -> str:
    """Return the section about a result, in Markdown."""
    plan = result["plan"]
    parts = "\n\n".join(_of_size(size, result["peers"]) for size in result["sizes"])
    return f"""\
## Credit compared with other packages

`{measure.command(NAME)}`

The available packages, each in a separate environment, and *lydite* on the same
path tables. Every call is a separate process, limited to {plan["limit"]} s and
{plan["gigabytes"]} GB.

- *Heuristics* are first touch, last touch and linear; *order 1* and *order 3* are Markov chains.
  *All* is their sum plus any preparation, once; × compares it with the quickest tool that has
  all three.
- For *lydite*, *all* is one call of `lydite.credit` for
  {", ".join(MODELS)}:
  it includes Shapley values and reading the Parquet file. Other packages get the table in memory;
  converting it to their format is not counted. They attribute conversions, `lydite.credit` also
  their value. *Points* is the call with `intervals=False`.
- *Process* is what a user waits for: one process from its start to its end, with the interpreter,
  imports, reading the table, and *all*. For other packages it is the sum of *all* and of the
  shortest start of their calls.
- Times are wall time / processor time of all threads. The peak is that of the process of the
  most expensive call, with imports and data.

{parts}

Input and method of the other packages:

{chr(10).join(map(_words, result["peers"]))}
"""


def _words(peer: Mapping[str, Any]) -> str:
    failed = f" It {peer['failed']}" if peer["failed"] else ""
    return (
        f"- **{peer['name']} {peer['version']}** takes {peer['takes']}. {peer['computes']}{failed}"
    )


def _of_size(size: Mapping[str, Any], peers: Sequence[Mapping[str, Any]]) -> str:
    data = size["data"]
    failures = [
        f"- {name}, {call}: {own['failed']}."
        for name, calls in size["peers"].items()
        for call, own in calls.items()
        if "failed" in own
    ]
    failed = "\n".join(["", "", "Not measured:", "", *failures]) if failures else ""
    return f"""\
### {data["all_touches"]:,} touches

{data["journeys"]:,} journeys on {data["paths"]:,} distinct paths over {data["channels"]} channels,
{data["conversions"] / data["journeys"]:.1%} with a conversion.

{_times(size, peers)}{failed}

The largest difference in a channel's share of credit to the exact classical answer, in percentage
points. Markov models: removal effects, solved exactly, and all conversions in proportion to them.
Shapley: a coalition is worth the conversions of the paths that need no other channel. *lydite*
attributes each conversion only to the channels on its path, which is a different definition;
*global* is `normalise="global"`, the classical one for Markov models. Both take Shapley values of
rates.

{_distances(size, peers)}"""


_TIMES = (
    "tool", "first", "heuristics", "order 1", "order 3", "all", "× wall", "× processor", "process",
    "× wall", "× processor",
)  # fmt: skip


def _times(size: Mapping[str, Any], peers: Sequence[Mapping[str, Any]]) -> str:
    sums = {name: calls for name, calls in size["peers"].items() if _complete(calls)}
    quickest = min(sums.values(), key=lambda calls: _sum(calls)["median"], default=None)
    ratio = partial(_ratio, quickest)
    rows = []
    for name in OURS:
        own = size["ours"][name]
        clocks = own["seconds"], own["seconds_cpu"]
        process = own["process_seconds"], own["cpu_seconds"]
        all_of_it = _both(*clocks), *ratio(*clocks), _both(*process), *ratio(*process, _process)
        peak = tables.megabytes(own["peak_mb"])
        rows.append((f"lydite, {name}", "", "", "", "", *all_of_it, "in *all*", peak))
    for peer in peers:
        calls = size["peers"].get(peer["name"], {})
        cells = [_cell(calls, call) for call in CALLS]
        all_of_it = ("–",) * 6
        if _complete(calls):
            own = _sum(calls), _sum(calls, "_cpu")
            process = _process(calls), _process(calls, "_cpu")
            all_of_it = _both(*own), *ratio(*own), _both(*process), *ratio(*process, _process)
        rows.append((peer["name"], _begin(calls), *cells[:3], *all_of_it, cells[3], _peak(calls)))
    return tables.table((*_TIMES, "Shapley", "peak"), rows)


def _complete(calls: Mapping[str, Any]) -> bool:
    """Return whether a peer has done all calls that are compared."""
    return all("figures" in calls.get(call, {}) for call in COMMON)


def _sum(calls: Mapping[str, Any], clock: str = "") -> Spread:
    """Return what the compared calls took together, and what is done once before them."""
    figures = [calls[call]["figures"] for call in COMMON]
    parts = [figures[0][f"begin{clock}"], *(own[f"seconds{clock}"] for own in figures)]
    return {key: sum(part[key] for part in parts) for key in ("min", "median", "max")}


def _process(calls: Mapping[str, Any], clock: str = "") -> Spread:
    """Return what one process would take for the compared calls: their sum, and a start once.

    The start is what the shortest start and end of a call takes: the interpreter, imports, reading
    the table.
    """
    name = "cpu_seconds" if clock else "process_seconds"
    figures = [calls[call]["figures"] for call in COMMON]
    starts = [
        own[name]["min"] - own[f"begin{clock}"]["min"] - own[f"seconds{clock}"]["min"]
        for own in figures
    ]
    return {key: value + max(min(starts), 0) for key, value in _sum(calls, clock).items()}


def _ratio(
    quickest: Mapping[str, Any] | None,
    wall: Spread,
    processor: Spread,
    taken: Callable[..., Spread] = _sum,
) -> tuple[str, str]:
    """Return a time as a multiple of the quickest peer's, in wall and processor time."""
    if quickest is None:
        return "–", "–"
    return tables.times(wall, taken(quickest)), tables.times(processor, taken(quickest, "_cpu"))


def _cell(calls: Mapping[str, Any], call: str) -> str:
    own = calls.get(call)
    if own is None:
        return "–"
    if "figures" not in own:
        return "not measured"
    return _both(own["figures"]["seconds"], own["figures"]["seconds_cpu"])


def _both(wall: Spread, processor: Spread) -> str:
    return f"{tables.seconds(wall)} / {tables.seconds(processor)}"


def _done(calls: Mapping[str, Any]) -> list[Mapping[str, Spread]]:
    """Return the figures of the calls that came to an end."""
    return [own["figures"] for own in calls.values() if "figures" in own]


def _begin(calls: Mapping[str, Any]) -> str:
    done = _done(calls)
    if not (done and done[0]["begin"]["max"]):
        return "–"
    return _both(done[0]["begin"], done[0]["begin_cpu"])


def _peak(calls: Mapping[str, Any]) -> str:
    done = _done(calls)
    largest = max((own["peak_mb"] for own in done), key=lambda peak: peak["max"], default=None)
    return "–" if largest is None else tables.megabytes(largest)


def _distances(size: Mapping[str, Any], peers: Sequence[Mapping[str, Any]]) -> str:
    found = dict(size["distances"])
    for peer in peers:
        calls = size["peers"].get(peer["name"], {}).values()
        found[peer["name"]] = {k: v for own in calls for k, v in own.get("distances", {}).items()}
    rows = [
        (name, *(f"{own[model]:.3f}" if model in own else "–" for model in MODELS))
        for name, own in found.items()
    ]
    return tables.table(("tool", *MODELS), rows)


if __name__ == "__main__":
    main()
