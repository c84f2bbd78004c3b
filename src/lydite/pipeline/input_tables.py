"""The step that loads the input tables, and counts of the rows that were set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from lydite import inputs, quality

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lydite.engine import Engine
    from lydite.inputs import Source
    from lydite.settings import ChannelSettings, DeclaredEnds


def load_inputs(
    engine: Engine,
    sources: Mapping[str, Source],
    ends: DeclaredEnds | None = None,
    *,
    names: ChannelSettings | None = None,
    keep_duplicates: bool = False,
) -> None:
    """Load all input tables; ``inputs.report`` counts the rows that were set aside, by reason."""
    loaded = inputs.load(engine, sources, ends=ends, names=names, keep_duplicates=keep_duplicates)
    write_report(engine, list(loaded.tables.values()))


def write_report(engine: Engine, reports: Sequence[inputs.TableReport]) -> None:
    """Write how many rows of the given tables were accepted or set aside, by reason."""
    rows = [
        (report.table, reason, n)
        for report in reports
        for reason, n in [
            ("accepted", report.rows),
            ("duplicate", report.duplicates),
            *([("refund", report.refunds)] if report.refunds else []),
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


def quarantined(engine: Engine) -> dict[str, dict[str, int]]:
    """Return how many rows of each input table were set aside, by reason."""
    result: dict[str, dict[str, int]] = {}
    for table, reason, n in engine.local.rows(
        "select table_name, reason, rows from inputs.report"
        " where reason not in ('accepted', 'duplicate', 'refund') order by table_name, reason"
    ):
        result.setdefault(table, {})[reason] = n
    return result
