"""The steps of docs/your-data.md on a simulated export: its files are written, its commands run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import duckdb
import polars as pl
import pytest

from lydite import checking
from lydite.simulation import simulate

DOC = (Path(__file__).resolve().parents[2] / "docs/your-data.md").read_text(encoding="utf-8")
TRAFFIC = {
    "search": ("google", "cpc"),
    "social": ("facebook", "paid_social"),
    "display": ("dv360", "display"),
    "video": ("youtube", "cpv"),
    "email": ("newsletter", "email"),
    "affiliate": ("partner-network", "affiliate"),
    "referral": ("blog.example", "referral"),
    "direct": (None, None),
}


def write_exports(folder: Path) -> None:
    """Write visits, orders and cost in the shape that the first step describes."""
    folder.mkdir()
    world = simulate("last_touch", users=3_000, seed=2)
    source, medium = (
        pl.col("channel").replace_strict({name: row[i] for name, row in TRAFFIC.items()})
        for i in (0, 1)
    )
    campaign = pl.col("campaign").str.replace("search_a", "our brand")
    world.touchpoints.select(
        visitor="user_id", started=pl.col("touched_at").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        source=source, medium=medium, campaign=campaign,
        landing_url=pl.lit("https://shop.example/"), referrer=pl.lit(None, pl.String),
    ).write_csv(folder / "visits.csv")  # fmt: skip
    orders = world.conversions.select(
        order_no="conversion_id", visitor="user_id",
        # Minutes are rounded up: an order is not before the visit that led to it.
        paid_at=pl.col("converted_at").dt.offset_by("59s").dt.strftime("%m/%d/%Y %H:%M"),
        total=pl.col("value").round(2).cast(pl.String).str.replace(".", ",", literal=True),
    )  # fmt: skip
    pl.concat([orders, orders.head(20)]).write_csv(folder / "orders.csv")
    world.spend.group_by("channel", day="date").agg(pl.col("cost").sum()).select(
        "day", source=source, medium=medium, cost="cost"
    ).write_csv(folder / "ads.csv")


def blocks() -> list[tuple[str, str, str]]:
    """Return language, file and text of each block; a line before it names the file."""
    found = re.findall(r"(?:`([\w/.]+)`:\n\n)?```(\w+)\n(.*?)```", DOC, re.DOTALL)
    return [(language, file, text) for file, language, text in found]


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> tuple[Path, list[str]]:
    """Run all steps; return the folder of the project and what each command printed."""
    folder = tmp_path_factory.mktemp("your_data")
    write_exports(folder / "exports")
    tool = folder / "bin/lydite"
    tool.parent.mkdir()
    tool.write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "from lydite.cli import main; main()" "$@"\n'
    )
    tool.chmod(0o755)
    path = f"{tool.parent}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "COLUMNS": "120", "NO_COLOR": "1"}
    printed, place = [], folder
    for language, file, text in blocks():
        if file:
            (place / file).write_text(text)
        if language == "sh":
            done = subprocess.run(
                ["bash", "-euc", text], cwd=place, env=environment, capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr
            printed.append(done.stdout)
            place = folder / "shop"
    return place, printed


def test_there_are_ten_steps():
    assert re.findall(r"^## (\d+)\. ", DOC, re.MULTILINE) == [str(n) for n in range(1, 11)]


def test_the_first_check_names_what_is_wrong_and_the_second_is_ready(results):
    _, (created, wrong, right, _) = results
    assert "a table of sessions and one of orders" in created
    assert "Not ready" in wrong
    [shown] = [text for language, _, text in blocks() if language == "text" and "✗" in text]
    for line in shown.splitlines():
        assert line in " ".join(wrong.split("\n")) or line.strip() in wrong
    assert right.splitlines()[-1].startswith("Ready to run;")
    for name in ("Brand search", "Partners", "Paid Social"):
        assert name in right
    assert "20 duplicates counted once" in right or "20 set aside: repeated_id" in right


def test_the_comparison_has_a_verdict_and_writes_its_files(results):
    project, (*_, compared) = results
    assert "Last touch" in compared
    assert "Brand search" in compared
    assert (project / "report.html").stat().st_size > 10_000
    with duckdb.connect(str(project / "results.duckdb"), read_only=True) as reader:
        verdicts = dict(
            reader.execute(
                "select model, verdict from mart.model_comparison"
                " where segment = 'all' and verdict is not null"
            ).fetchall()
        )
    assert verdicts["last_touch"] in {"best", "contender"}
    assert verdicts["first_touch"] == "refuted"


def test_the_keys_of_the_result_are_documented():
    rows = re.findall(
        r"^\| `([\w.]+)` \| (.+) \|$", DOC.partition("## What a check")[2], re.MULTILINE
    )
    documented = {key: re.findall(r"`(\w+)`", text) for key, text in rows}
    top = {field.name for field in fields(checking.DataCheck)} | {"ok"}
    assert {key for key in documented if "." not in key} == top
    for key, record in {
        "tables": checking.TableSummary,
        "tables.set_aside": checking.RowsSetAside,
        "tables.columns": checking.ColumnSummary,
        "outcomes": checking.OutcomeSummary,
    }.items():
        assert documented[key] == [field.name for field in fields(record)]
    levels = ["error", "warning", "note"]
    names = [field.name for field in fields(checking.DataFinding)]
    assert [name for name in documented["findings"] if name not in levels] == names
