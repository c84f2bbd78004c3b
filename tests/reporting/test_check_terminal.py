"""The result of a check on a terminal."""

from datetime import date
from io import StringIO

import pytest
from rich.console import Console

from lydite.checking import (
    ColumnSummary,
    DataCheck,
    DataFinding,
    OutcomeSummary,
    RowsSetAside,
    TableSummary,
)
from lydite.reporting.check_terminal import print_check


def printed(found: DataCheck, width: int = 100) -> str:
    console = Console(file=StringIO(), width=width)
    print_check(found, console)
    return console.file.getvalue()


TABLE = TableSummary(
    "touchpoints", "t.csv", 1_300, 1_200, 40, 0,
    (RowsSetAside("missing_channel", 60, ("[b]x[/b]",), "fill it"),),
    (
        ColumnSummary("channel", 1_200, 0, 7, top=(("mail", 700), ("[red]", 400))),
        ColumnSummary("cost", 600, 600, None, 0.5, 20_000.0),
    ),
)  # fmt: skip


def test_tables_have_counts_values_and_rows_set_aside():
    text = printed(DataCheck((TABLE,), (), ()))
    assert "1,200 of 1,300 rows used · 40 duplicates counted once" in text
    assert "mail 700, [red] 400, 5 more" in text
    assert "50% empty" in text
    assert "0.5 to 20,000" in text
    assert "60 set aside: missing_channel, such as '[b]x[/b]'" in text
    assert "→ fill it" in text


def test_an_outcome_without_forecasts_has_the_first_day():
    outcome = OutcomeSummary(
        "lead", 80, 8, 2, 3, "restart", "30d", date(2026, 1, 1), date(2026, 2, 1), 31, "week", 0,
        date(2026, 5, 4),
    )  # fmt: skip
    text = printed(DataCheck((), (outcome,), (), ("direct",)))
    assert "without a touch: 8 (10%)" in text
    assert "no new touch since the last: 3, unattributed" in text
    assert "31 days, 2026-01-01 to 2026-02-01; lookback 30d" in text
    assert "none yet: the first is possible on 2026-05-04" in text
    assert "direct traffic: direct" in text


@pytest.mark.parametrize(
    ("level", "last"),
    [
        ("error", "Not ready: 1 error, 0 warnings."),
        ("warning", "Ready to run; 1 warning."),
        ("note", "Ready to run; 0 warnings."),
    ],
)
def test_the_last_line_says_whether_a_run_can_start(level, last):
    finding = DataFinding(level, "kind", "half of the rows are gone", "load them", outcome="lead")
    lines = printed(DataCheck((), (), (finding,))).splitlines()
    assert lines[-1] == last
    assert any(line.endswith("lead: half of the rows are gone") for line in lines)
    assert "  → load them" in lines


def test_a_narrow_terminal_shows_every_line():
    assert max(map(len, printed(DataCheck((TABLE,), (), ()), width=40).splitlines())) <= 40
