"""simulate(): valid input tables, small worlds, error messages."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from lydite.errors import InputError
from lydite.simulation import WORLDS, simulate

SCHEMAS = {
    "touchpoints": {
        "user_id": pl.String,
        "touched_at": pl.Datetime("us"),
        "channel": pl.String,
        "campaign": pl.String,
        "interaction": pl.String,
        "cost": pl.Float64,
        "touchpoint_id": pl.String,
    },
    "conversions": {
        "user_id": pl.String,
        "converted_at": pl.Datetime("us"),
        "outcome": pl.String,
        "value": pl.Float64,
        "conversion_id": pl.String,
    },
    "spend": {
        "date": pl.Date,
        "channel": pl.String,
        "campaign": pl.String,
        "cost": pl.Float64,
    },
    "users": {"user_id": pl.String, "customer_type": pl.String, "region": pl.String},
}
MAY_BE_NULL = {"cost", "value"}
START = date(2024, 2, 26)


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize(("users", "weeks"), [(400, 5), (1, 1), (3, 26)])
def test_tables_are_valid_input(name, users, weeks):
    world = simulate(name, users=users, seed=31, weeks=weeks, start=START)
    for table, schema in SCHEMAS.items():
        frame = getattr(world, table)
        assert dict(frame.schema) == schema
        for column in set(schema) - MAY_BE_NULL:
            assert frame[column].null_count() == 0
        for column in {"cost", "value"} & set(schema):
            amounts = frame[column].drop_nulls()
            assert amounts.is_finite().all()
            assert (amounts >= 0).all()
    assert world.users["user_id"].n_unique() == users == world.users.height
    for table, key, at in (
        ("touchpoints", "touchpoint_id", "touched_at"),
        ("conversions", "conversion_id", "converted_at"),
    ):
        frame = getattr(world, table)
        assert frame[key].is_unique().all()
        assert frame[at].is_sorted()
        assert (frame[at].dt.date() >= START).all()
        assert (frame[at].dt.date() < START + timedelta(weeks=weeks)).all()
        assert frame["user_id"].is_in(world.users["user_id"].implode()).all()


def test_error_for_an_unknown_world_suggests_similar_names():
    with pytest.raises(InputError, match="'markov2'; did you mean markov_2"):
        simulate("markov2")
    with pytest.raises(InputError, match="storefront"):
        simulate("xyz")


@pytest.mark.parametrize("argument", ["users", "weeks"])
def test_numbers_below_one_raise_an_error(argument):
    with pytest.raises(InputError, match=f"{argument} must be at least 1, not 0"):
        simulate("null", **{argument: 0})


@pytest.mark.parametrize("name", ["linear", "hazard", "storefront"])
def test_worlds_depend_on_the_seed(name):
    one, same, other = (simulate(name, users=200, seed=seed) for seed in (5, 5, 6))
    assert one.touchpoints.equals(same.touchpoints)
    assert one.conversions.equals(same.conversions)
    assert one.truth == same.truth
    assert not one.touchpoints.equals(other.touchpoints)
