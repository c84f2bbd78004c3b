"""Credit within segments: of the same users, under the same labels as the verdicts."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from lydite import pipeline, simulate
from lydite.engine import DuckDBEngine
from lydite.evaluation.segments import MAX_VALUES, load_segments
from lydite.models import make_models

MODELS = ["last_touch", "linear"]


def credited(people: pl.DataFrame | None) -> tuple[pl.DataFrame, list[str]]:
    """Return the credit by segment, and the labels that the verdicts are given on."""
    world = simulate("linear", users=2000, seed=1, weeks=10)
    sources = {"touchpoints": world.touchpoints, "conversions": world.conversions}
    if people is not None:
        sources["users"] = people
    with DuckDBEngine() as engine:
        pipeline.load_inputs(engine, sources)
        pipeline.build_journeys(engine, {"conversion": timedelta(days=7)}, "week")
        pipeline.build_samples(engine, 100_000)
        pipeline.attribute_conversions(engine, make_models(MODELS), None)
        labels = [
            label for column in load_segments(engine, "conversion") for label in column.labels
        ]
        totals = engine.frame(
            "select model, channel_key, sum(conversions) as conversions from credit.statistics"
            " group by all"
        )
        found = engine.frame("from credit.by_segment")
    if labels:
        sums = found.group_by("model", "channel_key").agg(pl.col("conversions").sum())
        both = sums.join(totals, on=["model", "channel_key"])
        assert both["conversions"].to_list() == pytest.approx(both["conversions_right"].to_list())
    return found, labels


def people(values: int) -> pl.DataFrame:
    ids = simulate("linear", users=2000, seed=1, weeks=10).touchpoints["user_id"].unique().sort()
    city = (pl.int_range(pl.len()) % values).cast(pl.String)
    return pl.DataFrame({"user_id": ids}).with_columns(city="it's " + city)


def test_without_users_there_are_no_segments():
    found, labels = credited(None)
    assert found.is_empty()
    assert labels == []


@pytest.mark.parametrize("values", [3, MAX_VALUES + 20])
def test_segments_have_the_labels_of_the_verdicts(values):
    found, labels = credited(people(values))
    assert set(found["segment"]) == set(labels)
    assert ("city = (other)" in labels) == (values > MAX_VALUES)
