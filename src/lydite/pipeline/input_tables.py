"""The step that loads the input tables, and counts of the rows that were set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from lydite import inputs, quality
from lydite.inputs import LoadOptions, malformed_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from lydite.engine import Engine
    from lydite.inputs import Source
    from lydite.settings import Settings


def load_inputs(
    engine: Engine, sources: Mapping[str, Source], options: LoadOptions | None = None
) -> None:
    """Load all input tables; ``inputs.report`` counts the rows that were set aside, by reason."""
    loaded = inputs.load(engine, sources, options)
    write_report(engine, list(loaded.tables.values()))


def load_options(settings: Settings) -> LoadOptions:
    """Return how the input tables of a project are loaded."""
    return LoadOptions(
        ends=settings.declared_ends(),
        names=settings.channels,
        keep_duplicates=settings.quality.keep_duplicates,
        rules=settings.quality.rules,
        first_only=settings.first_only(),
        currency=settings.currency,
        timezone=settings.timezone,
    )


def load_alone(
    engine: Engine,
    name: str,
    source: Source | None,
    settings: Settings,
    days: tuple[date, date] | None = None,
) -> inputs.TableReport:
    """Load one input table as `lydite.pipeline.prepare` loads it with the others.

    Parameters
    ----------
    days
        The first and the last local day to load; None for all rows.

    Returns
    -------
    TableReport
        How many rows of the whole table were accepted, set aside and merged.

    Raises
    ------
    InputError
        When the source cannot be used, or the table has no days.
    """
    report = inputs.load_table(engine, name, source, load_options(settings), days=days)
    write_report(engine, [report])
    return report


def write_report(engine: Engine, reports: Sequence[inputs.TableReport]) -> None:
    """Write how many rows of the given tables were accepted or set aside, by reason."""
    rows = [
        (report.table, reason, n)
        for report in reports
        for reason, n in [
            ("accepted", report.rows),
            ("duplicate", report.duplicates),
            *([("refund", report.refunds)] if report.refunds else []),
            *([("erased", report.erased)] if report.erased else []),
            *report.bad.items(),
        ]
    ]
    local = engine.local
    if local.exists("inputs.report"):
        for report in reports:
            local.run("delete from inputs.report where table_name = $name", {"name": report.table})
    schema = ["table_name", "reason", "rows"]
    with local.registered(pl.DataFrame(rows, schema=schema, orient="row")) as frame:
        local.append("inputs.report", f"from {frame}")
    zones = {report.table: report.zone for report in reports if report.zone is not None}
    quality.write_zones(local, [report.table for report in reports], zones)


def note_duplicate_touchpoints(engine: Engine, duplicates: int) -> None:
    """Count equal touchpoints, which are merged when journeys are built, as duplicates.

    Their rows were accepted before: the sum of all rows of the table stays.
    """
    engine.local.run(_MOVE_DUPLICATES, {"n": duplicates})


_MOVE_DUPLICATES = """
update inputs.report
set rows = case
    when reason = 'duplicate' then $n
    else rows - $n + coalesce((
        select sum(rows) from inputs.report
        where table_name = 'touchpoints' and reason = 'duplicate'
    ), 0)
end
where table_name = 'touchpoints' and reason in ('accepted', 'duplicate')
"""


def count_rows(engine: Engine, table: str) -> RowCounts:
    """Return where the rows of an input table went, from the tables themselves.

    Parameters
    ----------
    engine
        Holds the loaded tables and the report on them.
    table
        Name of the input table, such as ``touchpoints``.
    """
    reported = dict(
        engine.local.rows(
            "select reason, sum(rows) from inputs.report where table_name = $name group by reason",
            {"name": table},
        )
    )
    merged = sum(int(reported.get(reason, 0)) for reason in ("duplicate", "refund", "erased"))
    loaded = int(engine.scalar(f"select count(*) from inputs.{table}"))
    if table == "touchpoints":  # equal ones are merged when journeys are built
        loaded -= int(reported["duplicate"])
    aside = int(engine.scalar(f"select count(*) from quarantine.{table}"))
    aside += malformed_lines.count(engine, table)
    return RowCounts(int(sum(reported.values())), loaded, aside, merged)


class RowCounts(NamedTuple):
    """Where the rows of an input table went.

    Attributes
    ----------
    read
        Rows of the source.
    used, set_aside
        Rows of the loaded table, and of its quarantine.
    merged
        Copies of other rows that are counted once, refunds, and rows of erased users.
    """

    read: int
    used: int
    set_aside: int
    merged: int

    @property
    def add_up(self) -> bool:
        """Whether every row that was read is used, set aside or merged."""
        return self.read == self.used + self.set_aside + self.merged and min(self) >= 0


#: Reasons of rows that were not set aside.
NOT_SET_ASIDE = ("accepted", "duplicate", "refund", "erased")


def quarantined(engine: Engine) -> dict[str, dict[str, int]]:
    """Return how many rows of each input table were set aside, by reason."""
    result: dict[str, dict[str, int]] = {}
    for table, reason, n in engine.local.rows(
        f"select table_name, reason, rows from inputs.report where reason not in {NOT_SET_ASIDE}"
        " order by table_name, reason"
    ):
        result.setdefault(table, {})[reason] = n
    return result
