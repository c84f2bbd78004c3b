"""Incomplete data: what is missing or stray never changes the scores of the other periods."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl
import polars.testing
import pytest

from lydite import compare, pipeline
from lydite.engine import DuckDBEngine
from lydite.models import make_models
from lydite.settings import OutcomeSettings, Settings, make_settings
from lydite.simulation import simulate
from tests.helpers.command_line import lydite
from tests.helpers.only_scores import only_scores

WEEKS, START = 20, datetime(2025, 1, 6)
END = START + timedelta(weeks=WEEKS)
LOOKBACK = timedelta(days=7)
MODELS = ("linear", "last_touch")
SETTINGS = make_settings(lookback="7d")
KEYS = ["outcome", "segment", "model", "period_start", "bucket"]


@dataclass(frozen=True)
class Data:
    """Touchpoints and conversions of two outcomes."""

    touchpoints: pl.DataFrame
    conversions: pl.DataFrame


def two_outcomes() -> Data:
    made = simulate("linear", users=4000, seed=5, weeks=WEEKS)
    sale = made.conversions.with_columns(outcome=pl.lit("sale"))
    lead = made.conversions.with_columns(
        pl.col("converted_at") - timedelta(minutes=1), outcome=pl.lit("lead")
    )
    return Data(made.touchpoints, pl.concat([sale, lead]))


DATA = two_outcomes()


def scores(data: Data, settings: Settings = SETTINGS) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the first scores of one run with a new ledger, and the findings."""
    with DuckDBEngine() as engine, only_scores():
        pipeline.run(engine, vars(data), settings, rivals=make_models(MODELS))
        ledger = engine.frame("select * exclude (fingerprint) from ledger.scores").sort(KEYS)
        findings = engine.frame("from quality.findings")
    return ledger, findings


@pytest.fixture(scope="module")
def complete() -> pl.DataFrame:
    found, findings = scores(DATA)
    assert findings.is_empty()
    return found


def periods(ledger: pl.DataFrame, outcome: str) -> list[datetime]:
    return ledger.filter(outcome=outcome)["period_start"].unique().sort().to_list()


def same(one: pl.DataFrame, two: pl.DataFrame) -> None:
    pl.testing.assert_frame_equal(one, two, rel_tol=1e-9, abs_tol=1e-9)


def far_ahead(frame: pl.DataFrame, column: str, days: int) -> pl.DataFrame:
    """Add two rows that are dated so many days after the end and have new ids."""
    late = pl.lit(END + timedelta(days=days)).cast(frame[column].dtype).alias(column)
    new_id = pl.selectors.ends_with("point_id", "conversion_id") + " late"
    return pl.concat([frame, frame.head(2).with_columns(late, new_id)])


@pytest.mark.parametrize("days", [40, 490])
def test_rows_dated_months_ahead_change_no_score(complete, days):
    found, findings = scores(
        Data(
            far_ahead(DATA.touchpoints, "touched_at", days),
            far_ahead(DATA.conversions, "converted_at", days),
        )
    )
    same(found, complete)
    assert findings["kind"].to_list() == ["stray_rows"] * 2
    assert findings["blocking"].all()


@pytest.mark.parametrize("weeks", [2, 6])
def test_a_feed_that_stops_early_changes_no_score_of_the_weeks_before(complete, weeks):
    cut = END - timedelta(weeks=weeks)
    stopped = (pl.col("outcome") == "lead") & (pl.col("converted_at") >= cut)
    found, findings = scores(Data(DATA.touchpoints, DATA.conversions.filter(~stopped)))
    same(found.filter(outcome="sale"), complete.filter(outcome="sale"))
    kept = periods(found, "lead")
    assert kept == [day for day in periods(complete, "lead") if day + timedelta(weeks=2) < cut]
    same(
        found.filter(outcome="lead"),
        complete.filter(pl.col("outcome") == "lead", pl.col("period_start").is_in(kept)),
    )
    rows = findings.select("kind", "table_name", "outcome").rows()
    assert rows == [("sudden_drop", "conversions", "lead")]


def test_weeks_around_missing_conversions_are_not_scored(complete):
    gap = (START + timedelta(weeks=12), START + timedelta(weeks=14))
    missing = (pl.col("outcome") == "lead") & pl.col("converted_at").is_between(*gap)
    found, findings = scores(Data(DATA.touchpoints, DATA.conversions.filter(~missing)))
    same(found.filter(outcome="sale"), complete.filter(outcome="sale"))
    left_out = set(periods(complete, "lead")) - set(periods(found, "lead"))
    # The outcomes of the week before the gap are known only after a lookback, within the gap.
    assert left_out == {START + timedelta(weeks=week) for week in (11, 12, 13)}
    before = pl.col("period_start") < START + timedelta(weeks=11)
    same(found.filter(before), complete.filter(before))
    assert findings["outcome"].to_list() == ["lead"]


def test_accepted_data_is_scored_as_it_is(complete):
    gap = (START + timedelta(weeks=12), START + timedelta(weeks=14))
    data = Data(DATA.touchpoints, DATA.conversions.filter(~pl.col("converted_at").is_between(*gap)))
    accepting = make_settings(lookback="7d", accept=["sudden_drop"])
    found, findings = scores(data, accepting)
    assert periods(found, "sale") == periods(complete, "sale")
    assert not findings["blocking"].any()
    assert findings.height == 2


def test_a_declared_end_is_as_if_the_data_ended_there(complete):
    cut = START + timedelta(weeks=15)
    early = Data(
        DATA.touchpoints.filter(pl.col("touched_at") <= cut),
        DATA.conversions.filter(pl.col("converted_at") <= cut),
    )
    settings = make_settings(lookback="7d", as_of=cut)
    found, findings = scores(DATA, settings)
    same(found, scores(early, settings)[0])
    assert periods(found, "sale")[-1] == cut - timedelta(weeks=2)
    assert findings.is_empty()


def test_a_declared_end_of_one_outcome_leaves_the_other(complete):
    cut = START + timedelta(weeks=15)
    settings = SETTINGS.model_copy(
        update={"outcomes": {"lead": OutcomeSettings(as_of=cut), "sale": OutcomeSettings()}}
    )
    found, findings = scores(DATA, settings)
    same(found.filter(outcome="sale"), complete.filter(outcome="sale"))
    assert periods(found, "lead")[-1] == cut - timedelta(weeks=2)
    assert findings.is_empty()


def test_rows_after_a_declared_end_are_reported():
    result = compare(
        **vars(DATA), lookback="7d", models=MODELS, as_of="2025-05-01", outcomes=["sale"]
    )
    cut = datetime(2025, 5, 1)
    later = {
        "touchpoints": DATA.touchpoints.filter(pl.col("touched_at") > cut).height,
        "conversions": DATA.conversions.filter(pl.col("converted_at") > cut).height,
    }
    assert result.quarantined == {table: {"after_as_of": n} for table, n in later.items()}
    assert result.outcomes[0]["as_of"] == cut


def test_findings_are_in_the_text_and_in_json(tmp_path):
    DATA.touchpoints.write_parquet(tmp_path / "t.parquet")
    cut = END - timedelta(weeks=6)
    stopped = (pl.col("outcome") == "lead") & (pl.col("converted_at") >= cut)
    DATA.conversions.filter(~stopped).write_parquet(tmp_path / "c.parquet")
    arguments = (
        "compare", "--touchpoints", tmp_path / "t.parquet", "--conversions",
        tmp_path / "c.parquet", "--lookback", "7d", "--models", "linear,last_touch", "--quiet",
    )  # fmt: skip
    text = " ".join(lydite(*arguments).stdout.split())
    assert "error: conversions of 'lead': 0 rows from 2025-04-14 to" in text
    assert "--accept sudden_drop" in text
    found = json.loads(lydite(*arguments, "--format", "json").stdout)
    [finding] = found["findings"]
    assert finding["blocking"]
    assert finding["table"] == "conversions"
    assert (finding["kind"], finding["outcome"]) == ("sudden_drop", "lead")
    assert [w["kind"] for w in found["outcomes"]["lead"]["warnings"]].count("sudden_drop") == 1
    assert "sudden_drop" not in [w["kind"] for w in found["outcomes"]["sale"]["warnings"]]
    accepted = json.loads(lydite(*arguments, "--accept", "sudden_drop", "--format", "json").stdout)
    assert not accepted["findings"][0]["blocking"]
    wrong = lydite(*arguments, "--accept", "everything")
    assert wrong.returncode == 2
    assert "there is no kind of finding 'everything'" in wrong.stderr
