"""`lydite.compare`."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import lydite
from lydite.evaluation import rival_forecasts
from lydite.simulation import simulate

MODELS = ["linear", "last_touch"]


def test_polars_gives_polars(result) -> None:
    assert isinstance(result.table, pl.DataFrame)
    assert result.table["model"].to_list()[0] == "linear"


def test_pandas_and_arrow_give_the_same(world, result) -> None:
    for convert, kind in (
        (lambda f: f.to_pandas(), pd.DataFrame),
        (lambda f: f.to_arrow(), pa.Table),
    ):
        other = lydite.compare(
            convert(world.touchpoints), convert(world.conversions), models=MODELS
        )
        assert isinstance(other.table, kind)
        assert isinstance(other.credit, kind)
        assert isinstance(other.evidence, kind)
        assert other.to_dict() == result.to_dict()


def test_shuffled_rows_renamed_channels_and_retyped_ids_change_nothing(world, result) -> None:
    names = world.touchpoints["channel"].unique().sort().to_list()
    renamed = dict(zip(names, [f"z{9 - i}" for i in range(len(names))], strict=True))
    touchpoints = world.touchpoints.sample(fraction=1.0, shuffle=True, seed=1).with_columns(
        pl.col("channel").cast(pl.String).replace(renamed)
    )
    other = lydite.compare(
        touchpoints, world.conversions.sample(fraction=1.0, shuffle=True, seed=2), models=MODELS
    )
    columns = ["model", "log_loss_bits", "explained", "verdict"]
    assert other.table.select(columns).equals(result.table.select(columns))
    back = {new: old for old, new in renamed.items()}
    credit = other.credit.with_columns(pl.col("channel").replace(back))
    keys = ["outcome", "model", "channel"]
    mine, theirs = result.credit.sort(keys), credit.sort(keys)
    assert mine["channel"].equals(theirs["channel"])
    assert (mine["conversions"] - theirs["conversions"]).abs().max() < 1e-9


def test_a_ceiling_scored_on_few_landmarks_does_not_change_the_rivals(
    world, result, monkeypatch
) -> None:
    monkeypatch.setattr(rival_forecasts, "MAX_SCORED_LANDMARKS", 200)
    other = lydite.compare(world.touchpoints, world.conversions, models=MODELS)
    landmarks = {row["model"]: row["landmarks"] for row in other.table.iter_rows(named=True)}
    assert 0 < landmarks.pop("ceiling") < min(landmarks.values())
    rivals = pl.col("model") != "ceiling"
    mine, theirs = (
        found.table.filter(rivals).drop("share_of_ceiling", "warning") for found in (result, other)
    )
    assert mine.equals(theirs)
    shares = other.table.filter(pl.col("verdict").is_not_null())["share_of_ceiling"]
    assert shares.null_count() == len(shares) or shares.is_between(0, 1).all()


def test_outcomes_are_judged_separately() -> None:
    world = simulate("storefront", users=3_000, seed=2)
    result = lydite.compare(
        world.touchpoints, world.conversions, spend=world.spend, users=world.users,
        models=MODELS, outcomes=["lead", "purchase"],
    )  # fmt: skip
    assert set(result.table["outcome"]) <= {"lead", "purchase"}
    assert {row["outcome"] for row in result.outcomes} == {"lead", "purchase"}
    totals = result.credit.group_by("outcome", "model").agg(pl.col("conversions").sum())
    counts = {row["outcome"]: row["conversions"] for row in result.outcomes}
    for outcome, _, conversions in totals.iter_rows():
        assert conversions == pytest.approx(counts[outcome], abs=1e-6)


@pytest.mark.parametrize(
    ("setting", "value"), [("alpha", 0.9), ("period", "year"), ("lookback", "x"), ("seed", -1)]
)
def test_settings_out_of_range_are_refused(world, setting, value) -> None:
    with pytest.raises(lydite.InputError, match=setting):
        lydite.compare(world.touchpoints, world.conversions, **{setting: value})
