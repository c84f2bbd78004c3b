"""How the costs of channels are charged to outcomes."""

from __future__ import annotations

import polars as pl
import pytest

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.models import make_models
from lydite.pipeline.costs import refuse_costs_without_value, write_cost_shares
from lydite.results import read_comparison
from lydite.settings import make_settings, parse_settings
from tests.helpers.journeys import few_journeys

VALUES = [("order", 30.0), ("order", 45.0), ("renewal", 25.0), ("renewal", None), ("lead", None),
          ("returned", 10.0), ("returned", -10.0)]  # fmt: skip


@pytest.fixture
def engine():
    frame = pl.DataFrame(VALUES, schema=["outcome", "value"], orient="row")
    with DuckDBEngine() as engine:
        for table in ("inputs.conversions", "journeys.conversions"):
            engine.store(table, frame)
        yield engine


def shares(engine, costs):
    write_cost_shares(engine, costs)
    return dict(engine.rows("from credit.cost_shares"))


def test_costs_are_charged_in_full_by_default(engine):
    assert set(shares(engine, {}).values()) == {1.0}


def test_outcomes_share_costs_by_their_value(engine):
    by_value = dict.fromkeys(("order", "renewal", "returned"), "by_value")
    found = shares(engine, {**by_value, "lead": "none"})
    assert found == {"order": 0.75, "renewal": 0.25, "returned": None, "lead": None}
    # A second run has its own rules.
    assert shares(engine, {"order": "by_value"}) == {
        "order": 1.0, "renewal": 1.0, "returned": 1.0, "lead": 1.0,
    }  # fmt: skip


def test_an_outcome_without_value_has_no_share(engine):
    refuse_costs_without_value(engine, {"lead": "none", "order": "by_value"})
    with pytest.raises(
        InputError, match="outcomes.lead.cost = .*no conversion of lead has a value"
    ):
        refuse_costs_without_value(engine, {"lead": "by_value"})


def test_credit_and_performance_have_the_cost_that_is_charged():
    sources = few_journeys(120)
    orders = sources["conversions"]
    conversions = pl.concat(
        orders.with_columns(outcome=pl.lit(name), value=pl.lit(value, dtype=pl.Float64))
        for name, value in (("order", 60.0), ("renewal", 20.0), ("lead", None))
    )
    days = sources["touchpoints"].select(date=pl.col("touched_at").dt.date()).unique()
    spend = days.with_columns(channel=pl.lit("ad"), cost=pl.lit(8.0))
    given = {"sources": {"touchpoints": "t", "conversions": "c"},
             "outcomes": {"order": {"cost": "by_value"}, "renewal": {"cost": "by_value"},
                          "lead": {"cost": "none"}}}  # fmt: skip
    settings = make_settings(lookback="7d", base=parse_settings(given, "lydite.toml"))
    tables = {**sources, "conversions": conversions, "spend": spend}
    with DuckDBEngine() as engine:
        pipeline.run(engine, tables, settings, rivals=make_models(["last_touch", "linear"]))
        credit = read_comparison(engine).marts["channel_credit"].filter(channel="ad")
        views = {
            name: engine.frame(f"from mart.{name}")
            for name in ("channel_performance", "channel_performance_weekly", "channel_summary")
        }
    total = 8.0 * len(days)
    expected = {"order": 0.75 * total, "renewal": 0.25 * total, "lead": None}
    for outcome, cost in expected.items():
        [found] = credit.filter(outcome=outcome)["cost"].unique().to_list()
        assert found == (None if cost is None else pytest.approx(cost))
        row = credit.filter(outcome=outcome, model="linear").row(0, named=True)
        if cost is None:
            assert row["cpa"] is row["roas"] is None
        else:
            assert row["cpa"] == pytest.approx(cost / row["conversions"])
            assert row["roas"] == pytest.approx(row["value"] / cost)
        for name, view in views.items():
            own = view.filter(outcome=outcome, channel="ad")
            own = own.filter(model=own["model"][0])
            spent = own["spend"].sum() if own["spend"].null_count() < len(own) else None
            assert spent == (None if cost is None else pytest.approx(cost)), name
