"""A holdout contradicts the model in use: decision, next run, check, report and history."""

from __future__ import annotations

from datetime import datetime, timedelta

import dagster as dg
import numpy as np
import polars as pl
import pytest

from lydite.dagster import LyditeComponent
from tests.helpers.command_line import lydite

pytest.importorskip("tea_tasting")

START, USERS = datetime(2026, 1, 5), 3_000
SETTINGS = """
models = ["last_touch", "linear"]

[sources]
touchpoints = "touchpoints.parquet"
conversions = "conversions.parquet"
experiments = "experiments.parquet"

[evaluation]
lookback = "14d"

[experiments.search_holdout]
channel = "search"
hypothesis = "Search brings purchases."
outcome = "purchase"
window = "4w"
smallest_effect = 0.2
planned_users = 3000
"""


def write_shop(folder):
    """Write a shop in which search precedes purchases and causes none, and its holdout."""
    rng = np.random.default_rng(4)
    users, treated = [f"u{i}" for i in range(USERS)], rng.permutation(np.arange(USERS) % 2)
    assigned = [START + timedelta(weeks=4, minutes=i) for i in range(USERS)]
    touches, conversions = [], []
    for i, user in enumerate(users):
        for _ in range(rng.integers(1, 4)):
            visit = START + timedelta(minutes=int(rng.integers(0, 60 * 24 * 70)))
            since = visit - assigned[i]
            held_out = not treated[i] and timedelta() <= since < timedelta(weeks=5)
            touches.append((user, visit, "video"))
            if rng.random() < 0.35:
                if not held_out:
                    touches.append((user, visit + timedelta(hours=1), "search"))
                conversions.append((user, visit + timedelta(hours=2), "purchase", 30.0))
    schema = {"user_id": pl.String, "touched_at": pl.Datetime("us"), "channel": pl.String}
    pl.DataFrame(touches, schema=schema, orient="row").write_parquet(folder / "touchpoints.parquet")
    schema = {"user_id": pl.String, "converted_at": pl.Datetime("us"), "outcome": pl.String}
    pl.DataFrame(conversions, schema=schema | {"value": pl.Float64}, orient="row").write_parquet(
        folder / "conversions.parquet"
    )
    pl.DataFrame(
        {
            "experiment": "search_holdout", "user_id": users, "assigned_at": assigned,
            "arm": np.where(treated, "treated", "control"),
        }
    ).write_parquet(folder / "experiments.parquet")  # fmt: skip
    (folder / "lydite.toml").write_text(SETTINGS)


def refresh(folder):
    """Run the job, and return the check of the models in use, and what was said."""
    component = LyditeComponent(settings=folder / "lydite.toml")
    job = dg.build_defs_for_component(component).resolve_job_def("refresh")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance)
    [check] = [
        found
        for found in result.get_asset_check_evaluations()
        if found.check_name == "champions_stand"
    ]
    return check


def test_the_next_run_says_first_that_the_model_in_use_is_contradicted(tmp_path):
    write_shop(tmp_path)
    before = refresh(tmp_path)
    assert not before.passed
    assert "last touch is in use and is refuted by search_holdout" in before.description
    arguments = ("promote", "linear", "--outcome", "purchase", "--reason", "the board wants it")
    refused = lydite(*arguments, cwd=tmp_path)
    assert refused.returncode == 2
    assert "linear is refuted for purchase by the experiment search_holdout" in refused.stderr
    assert "(none does)" in refused.stderr
    assert not (tmp_path / "decisions.jsonl").exists()
    done = lydite(*arguments, "--despite-refuted", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    after = refresh(tmp_path)
    assert (after.passed, after.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "linear is in use and is refuted by search_holdout" in after.description
    report = (tmp_path / "var/report.html").read_text()
    alert = "The model in use for purchases, linear, is refuted: the experiment search holdout"
    assert report.index(alert) < report.index("<h1>")
    assert "promoted it nevertheless (the board wants it)" in report
    assert "Linear credits" in report
    assert "The experiment wins." in report
    history = lydite("history", cwd=tmp_path).stdout
    words = " ".join(history.split())
    assert words.index(alert) < words.index("Timeline")
    assert "decided to use linear: the board wants it" in words
