"""Benchmark: joining ids into persons.

How long a million pairs of ids and the rows of their users take, in both modes, against DuckDB
sorting the pairs by id and time.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from benchmarks import measure, tables
from lydite.engine import DuckDBEngine
from lydite.journeys.people import build_people
from lydite.settings import PeopleSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.measure import Figures

NAME = "identities"
MODES: tuple[Literal["seen_by_then", "always"], ...] = ("seen_by_then", "always")
#: Pairs of a user, and touches of an id, on average.
PER_USER, PER_ID = 3, 3
_START, _DAYS = np.datetime64("2025-01-06", "us"), 180


@dataclass(frozen=True)
class Plan:
    """What is measured: so many pairs."""

    sizes: tuple[int, ...]


FULL, QUICK = Plan((1_000_000,)), Plan((3_000,))


# --- work -----------------------------------------------------------------------------------------


def make_rows(pairs: int, seed: int = 0) -> dict[str, pl.DataFrame]:
    """Draw pairs, touchpoints and conversions; one pair of a hundred has a second user."""
    rng = np.random.default_rng(seed)
    users = max(pairs // PER_USER, 1)
    cookie = np.where(rng.random(pairs) < 0.99, np.arange(pairs), rng.integers(0, pairs, pairs))
    seen = _at(rng, pairs)
    identities = pl.DataFrame(
        {"anonymous_id": cookie, "user_id": rng.integers(0, users, pairs), "seen_at": seen}
    ).with_columns(
        pl.format("cookie {}", "anonymous_id").alias("anonymous_id"),
        pl.format("user {}", "user_id").alias("user_id"),
    )
    ids = pl.concat([identities["anonymous_id"], identities["user_id"]])
    touches = ids.sample(PER_ID * pairs, with_replacement=True, seed=seed)
    bought = identities["user_id"].sample(pairs // 10, seed=seed)
    order = pl.int_range(len(bought), eager=True).cast(pl.String)
    return {
        "identities": identities,
        "touchpoints": pl.DataFrame({"user_id": touches, "touched_at": _at(rng, len(touches))}),
        "conversions": pl.DataFrame(
            {"user_id": bought, "converted_at": _at(rng, len(bought)), "conversion_id": order}
        ).with_columns(outcome=pl.lit("order")),
    }


def _at(rng: np.random.Generator, n: int) -> pl.Series:
    seconds = rng.integers(0, _DAYS * 86_400, n)
    return pl.Series(_START + seconds.astype("timedelta64[s]"))


def run(pairs: int, mode: Literal["seen_by_then", "always"]) -> Figures:
    """Join the rows of so many pairs; return what it took, and what sorting the pairs took."""
    watch = measure.Stopwatch()
    with DuckDBEngine() as engine:
        for name, rows in make_rows(pairs).items():
            engine.store(f"inputs.{name}", rows)
        with watch("sort"):
            engine.create("raw.sorted", "from inputs.identities order by user_id, seen_at")
        with watch("join"):
            build_people(engine, PeopleSettings(identities=mode), timedelta(days=30))
        touches = engine.scalar("select count(*) from inputs.touchpoints")
        joined = engine.scalar("select count(*) from people.touchpoints")
    return {**watch.seconds, "pairs": pairs, "touches": touches, "rows": joined}


def measured(plan: Plan, repeats: int) -> dict[str, Any]:
    """Measure everything in the plan, and return the result that `section` describes."""
    machine, runs = measure.machine(), []
    for size in plan.sizes:
        for mode in MODES:
            print(f"{size:,} pairs, {mode}")
            figures = measure.alone(measure.call(run, size, mode), repeats)
            runs.append({"mode": mode, "figures": figures})
    return {"machine": machine, "repeats": repeats, "plan": asdict(plan), "runs": runs}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, store its result and print it."""
    measure.perform(NAME, __doc__, (FULL, QUICK), measured, section, arguments)


# --- report ---------------------------------------------------------------------------------------


def section(result: Mapping[str, Any]) -> str:
    """Return the section about a result, in Markdown."""
    rows = [
        (
            f"`{run['mode']}`",
            f"{own['pairs']['median']:,.0f}",
            f"{own['touches']['median']:,.0f}",
            f"{own['rows']['median']:,.0f}",
            tables.seconds(own["join"]),
            tables.times(own["join"], own["sort"]),
            tables.times(own["join_cpu"], own["sort_cpu"]),
            tables.megabytes(own["peak_mb"]),
        )
        for run in result["runs"]
        for own in [run["figures"]]
    ]
    return f"""\
## Joining ids

`{measure.command(NAME)}`

Pairs of ids, and the touchpoints and conversions of their users, keyed by person. *Rows* is the
touchpoints by person, with the history that is repeated where ids join. Multiples (×) are of
DuckDB sorting the pairs by user and time into a table.

{tables.table(_HEAD, rows)}"""


_HEAD = ("mode", "pairs", "touches", "rows", "time", "× wall", "× processor", "peak")


if __name__ == "__main__":
    main()
