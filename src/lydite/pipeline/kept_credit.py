"""Credit that a warehouse keeps between runs: fitted models, and the credit of touches.

Models are fitted on the sample, which ends with the last period that is scored, and their
replicates have the conversions up to the maturity of that period. So fits stay the same until the
next period is complete, unless earlier rows change, which a digest of them shows. With the same
fits, the credit of a touch depends on nothing but the rows of its user, so only the credit of
users whose journeys have changed is computed again. All sums are computed from all touches.
"""

from __future__ import annotations

import hashlib
import pickle
import sys
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from lydite import attribution
from lydite.attribution.credit import TOUCH_CREDIT
from lydite.attribution.credit_sql import TOUCH_KEYS
from lydite.engine import DuckDBEngine
from lydite.journeys.activity import CHANGED_DAYS
from lydite.journeys.changes import CHANGED_USERS, last_build
from lydite.pipeline.unchanged import code_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from lydite.engine import Engine
    from lydite.journeys.changes import Build
    from lydite.models import Landmarks, Model

#: What is kept of each outcome: the fits, what they depend on, the touches among that, and the
#: build of the journeys that the credit of touches is as of; null while that is being replaced.
TABLE = "credit.kept"
_SCHEMA: dict[str, Any] = {
    "outcome": pl.String,
    "fingerprint": pl.String,
    "until": pl.Datetime("us"),
    "touches": pl.String,
    "build": pl.String,
    "fits": pl.Binary,
}
_LIBRARIES = ("duckdb", "numpy", "scipy", "scikit-learn", "polars")
# Conversions are numbered again in each build (conversion_key), and ids of conversions do not
# matter.
_TOUCHES = """
select count(*), sum(cast(hash(rows) as hugeint)), bit_xor(hash(rows, 1))
from journeys.touches as rows
where touched_at <= $until
"""
_CHANGED = f"select count(*) from {CHANGED_DAYS} where date <= cast(local_time($until) as date)"
_ROWS = """
select count(*), sum(cast(hash(rows) as hugeint)), bit_xor(hash(rows, 1))
from (
    select outcome, user_key, conversion, converted_at, value, path_length
    from journeys.conversions
    where converted_at <= $until
) as rows
union all
select count(*), sum(cast(hash(user_key) as hugeint)), null
from journeys.bot_like_users
where user_key in (select user_key from journeys.touches where touched_at <= $until)
"""


class Kept(NamedTuple):
    """A row of `TABLE`; the fits are pickled."""

    fingerprint: str
    until: datetime
    touches: str
    build: str | None
    fits: bytes


def keeps_touches(engine: Engine, models: Sequence[Model]) -> bool:
    """Return whether the credit of touches of the last run has the columns of this one."""
    if not _keeps(engine) or not engine.exists(TOUCH_CREDIT):
        return False
    return list(engine.columns(TOUCH_CREDIT)) == [*TOUCH_KEYS, *(model.name for model in models)]


def drop_other_outcomes(engine: Engine, outcomes: Sequence[str]) -> None:
    """Delete what is kept of outcomes that are not in the data any more."""
    for table in (TOUCH_CREDIT, TABLE):
        if _keeps(engine) and engine.exists(table):
            engine.local.run(
                f"delete from {table} where outcome not in (select unnest($outcomes))",
                {"outcomes": list(outcomes)},
            )


def attribute_outcome(
    engine: Engine,
    row: Mapping[str, Any],
    landmarks: Callable[[], Landmarks],
    models: Sequence[Model],
    seed: int | None,
) -> None:
    """Attribute the conversions of one outcome, with kept fits where nothing has changed them.

    Parameters
    ----------
    engine
        Holds the journeys and the samples.
    row
        A row of `read_outcomes`.
    landmarks
        Loads the sample of the outcome.
    models
        The models.
    seed
        Seeds the bootstrap; None for no intervals.
    """
    outcome = row["outcome"]
    until = row["sampled_until"] + timedelta(microseconds=row["lookback_us"])
    build = last_build(engine) if _keeps(engine) else None
    if build is None or not isinstance(engine, DuckDBEngine):
        attribution.attribute_outcome(engine, outcome, models, landmarks(), seed, until)
        return
    kept = _read(engine, outcome)
    touches = _touches(engine, until, kept, build)
    fingerprint = _fingerprint(engine, row, models, seed, until, touches)
    _delete(engine, outcome)
    if kept is None or kept.fingerprint != fingerprint:
        fits = attribution.attribute_outcome(engine, outcome, models, landmarks(), seed, until)
        pickled = pickle.dumps(fits)
    else:
        pickled = kept.fits
        _write(engine, outcome, kept._replace(build=None))
        follows = build.before is not None and kept.build in build and engine.exists(TOUCH_CREDIT)
        attribution.attribute_with(
            engine,
            outcome,
            # Only this version of Lydite writes rows with this fingerprint.
            pickle.loads(pickled),  # noqa: S301
            attribution.channel_names(engine),
            seed,
            CHANGED_USERS if follows else None,
        )
    _write(engine, outcome, Kept(fingerprint, until, touches, build.build, pickled))


def _keeps(engine: Engine) -> bool:
    return isinstance(engine, DuckDBEngine) and engine.is_persistent


def _touches(engine: DuckDBEngine, until: datetime, kept: Kept | None, build: Build) -> str:
    """Return a digest of the touches up to an instant, as it was kept where none has changed."""
    if kept is not None and kept.until == until and kept.build is not None:
        if kept.build == build.build:
            return kept.touches
        if kept.build == build.before and not engine.scalar(_CHANGED, {"until": until}):
            return kept.touches
    return str(engine.rows(_TOUCHES, {"until": until}))


def _fingerprint(
    engine: DuckDBEngine,
    row: Mapping[str, Any],
    models: Sequence[Model],
    seed: int | None,
    until: datetime,
    touches: str,
) -> str:
    """Return the digest of everything that the fits of one outcome depend on."""
    outcome = {"outcome": row["outcome"]}
    parts: list[object] = [code_digest(), sys.version, *map(version, _LIBRARIES)]
    parts += [(model.name, model.fingerprint, model.credit_kind) for model in models]
    parts += [seed, until, engine.timezone]
    names = ("outcome", "sampled_until", "lookback_us", "paths", "after_conversion", "milestone")
    parts += [row[name] for name in names]
    parts += engine.rows("select channel_key, channel, is_direct from journeys.channels order by 1")
    parts += engine.rows("select buckets from evaluation.samples where outcome = $outcome", outcome)
    if engine.exists("journeys.outcome_channels"):
        parts += engine.rows("from journeys.outcome_channels order by all")
    parts += [touches, *engine.rows(_ROWS, {"until": until})]
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def _read(engine: DuckDBEngine, outcome: str) -> Kept | None:
    """Return what is kept of one outcome."""
    if not engine.exists(TABLE):
        return None
    rows = engine.rows(
        f"select {', '.join(Kept._fields)} from {TABLE} where outcome = $outcome",
        {"outcome": outcome},
    )
    return Kept(*rows[0]) if rows else None


def _delete(engine: DuckDBEngine, outcome: str) -> None:
    if engine.exists(TABLE):
        engine.run(f"delete from {TABLE} where outcome = $outcome", {"outcome": outcome})


def _write(engine: DuckDBEngine, outcome: str, kept: Kept) -> None:
    """Replace what is kept of one outcome."""
    _delete(engine, outcome)
    with engine.registered(pl.DataFrame([(outcome, *kept)], schema=_SCHEMA, orient="row")) as frame:
        engine.append(TABLE, f"from {frame}")
