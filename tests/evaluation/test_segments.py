"""Segments: every landmark is in one segment of each column of `users`, and segments add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields

import numpy as np
import polars as pl
import pytest

from lydite import compare, pipeline
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.evaluation.backtest import backtest_segments
from lydite.evaluation.ceiling import ceiling_scores
from lydite.evaluation.scores import Scores
from lydite.evaluation.segments import (
    ALL,
    MAX_VALUES,
    SegmentColumn,
    load_segments,
    segment_columns,
)
from lydite.journeys import find_outcomes
from lydite.models import make_models
from lydite.settings import make_settings
from lydite.simulation import simulate

WORLD = simulate("last_touch", users=1200, seed=31, weeks=14)
SETTINGS = make_settings(lookback="7d")
MODELS = ["last_touch", "linear"]
OUTCOME = "conversion"


def drawn(values: list[object], seed: int, shares: list[float] | None = None) -> pl.Series:
    rng = np.random.default_rng(seed)
    return pl.Series([values[i] for i in rng.choice(len(values), WORLD.users.height, p=shares)])


def build_landmarks(engine: DuckDBEngine, users: pl.DataFrame | None) -> None:
    """Run the steps up to the sample."""
    sources = {"touchpoints": WORLD.touchpoints, "conversions": WORLD.conversions}
    pipeline.load_inputs(engine, sources | ({} if users is None else {"users": users}))
    pipeline.build_journeys(
        engine, SETTINGS.lookbacks(find_outcomes(engine)), SETTINGS.evaluation.period
    )
    pipeline.build_samples(engine, SETTINGS.evaluation.max_landmarks)


def loaded(users: pl.DataFrame | None) -> tuple[dict[str, list[str]], pl.DataFrame]:
    """Return the segment of each landmark by column, and the users of the landmarks."""
    with DuckDBEngine() as engine:
        build_landmarks(engine, users)
        columns = load_segments(engine, OUTCOME)
        who = engine.frame(
            "select landmark, user_id from evaluation.landmarks"
            " inner join journeys.users using (user_key) order by landmark"
        )
    found = {}
    for column in columns:
        assert len(column.code) == len(who)
        [name] = {label.rpartition(" = ")[0] for label in column.labels}
        found[name] = [column.labels[code] for code in column.code]
    return found, who


def expected_values(users: pl.DataFrame, who: pl.DataFrame, name: str) -> list[str]:
    """Return the value of a column for each landmark, as polars joins it."""
    joined = who.select("user_id").join(users, on="user_id", how="left", maintain_order="left")
    return joined[name].cast(pl.String).fill_null("(unknown)").to_list()


def with_most(values: list[str]) -> list[str]:
    """Replace all but the most common values; ties are in alphabetical order."""
    counts = Counter(values)
    if len(counts) <= MAX_VALUES:
        return values
    kept = sorted(counts, key=lambda value: (-counts[value], value))[: MAX_VALUES - 1]
    return [value if value in kept else "(other)" for value in values]


@pytest.fixture(scope="module")
def users() -> pl.DataFrame:
    """Return users with columns of every type; a tenth of the users have no row."""
    some = WORLD.users.with_columns(
        drawn([1, 2, 33], 1).alias("plan"),
        drawn(["a", None], 2, [0.8, 0.2]).alias("partly known"),
        drawn([f"city {i:02}" for i in range(45)], 3).alias("city"),
        drawn([f"{i:02}" for i in range(MAX_VALUES)], 4).alias("just as many"),
        drawn(["x", "(other)", "(unknown)"], 5).alias("odd values"),
        drawn([True, False], 6).alias("is_member"),
        pl.lit("the same").alias("constant"),
    )
    return some.filter(drawn([True, False], 7, [0.9, 0.1]))


@pytest.fixture(scope="module")
def found(users):
    return loaded(users)


def test_every_column_of_users_except_the_id_has_segments(users, found):
    assert sorted(found[0]) == sorted(set(users.columns) - {"user_id"})


@pytest.mark.parametrize(
    "name",
    ["customer_type", "region", "plan", "partly known", "odd values", "is_member", "constant"],
)
def test_codes_equal_a_join_in_polars(users, found, name):
    segments, who = found
    expected = [f"{name} = {value}" for value in expected_values(users, who, name)]
    assert segments[name] == expected


def test_users_without_a_row_are_unknown(users, found):
    segments, who = found
    strangers = ~who["user_id"].is_in(users["user_id"].implode())
    assert strangers.sum() > 50
    known = {"customer_type", "region", "plan", "is_member", "constant"}
    for name in known:
        is_unknown = np.array(segments[name]) == f"{name} = (unknown)"
        np.testing.assert_array_equal(is_unknown, strangers.to_numpy())
    # And so are users whose row has no value.
    partly = np.array(segments["partly known"]) == "partly known = (unknown)"
    assert partly[strangers.to_numpy()].all()
    assert partly.sum() > strangers.sum()


def test_rare_values_of_a_column_are_one_segment(users, found):
    segments, who = found
    plain = expected_values(users, who, "city")
    assert len(set(plain)) == 46
    assert segments["city"] == [f"city = {value}" for value in with_most(plain)]
    assert len(set(segments["city"])) == MAX_VALUES
    rest = Counter(segments["city"])
    assert rest["city = (other)"] > 0
    own = Counter(plain)
    kept = [own[label.removeprefix("city = ")] for label in rest if "(other)" not in label]
    gone = [n for value, n in own.items() if f"city = {value}" not in rest]
    assert min(kept) >= max(gone)


def test_the_maximum_number_of_values_is_kept(users, found):
    segments, who = found
    everyone = expected_values(users, who, "just as many")
    assert len(set(everyone)) == MAX_VALUES + 1  # and users without a row
    assert "just as many = (other)" in segments["just as many"]
    fewer = users.filter(pl.col("just as many") != "00")
    segments, who = loaded(fewer)
    plain = expected_values(fewer, who, "just as many")
    assert len(set(plain)) == MAX_VALUES
    assert segments["just as many"] == [f"just as many = {value}" for value in plain]


ODD = [
    "customer type", 'the "best" ones', "it's", "größe", "年齢", "a;b -- c", "/* x */", "select",
    "$outcome", "value", "landmark", "1st", "a = b", "{x}", "🦊",
]  # fmt: skip


def test_columns_may_have_any_name():
    columns = {name: drawn(["p", "q", 'r"r', "s's"], i) for i, name in enumerate(ODD)}
    users = WORLD.users.select("user_id", **columns)
    segments, who = loaded(users)
    assert sorted(segments) == sorted(ODD)
    for name in ODD:
        expected = [f"{name} = {value}" for value in expected_values(users, who, name)]
        assert segments[name] == expected


def test_labels_are_sorted_after_unknown_and_other(users):
    with DuckDBEngine() as engine:
        build_landmarks(engine, users)
        labels = {own.labels[0].partition(" = ")[0]: own.labels
                  for own in load_segments(engine, OUTCOME)}  # fmt: skip
    assert labels["region"] == tuple(
        f"region = {value}" for value in ("east", "north", "south", "west", "(unknown)")
    )
    assert list(labels) == sorted(labels)


@pytest.mark.parametrize("none", [None, WORLD.users.clear(), WORLD.users.select("user_id")])
def test_without_users_or_columns_there_are_no_segments(none):
    with DuckDBEngine() as engine:
        build_landmarks(engine, none)
        assert segment_columns(engine) == []
        assert load_segments(engine, OUTCOME) == ()
        [(_, _, own)] = pipeline.load_splits(engine, make_models(MODELS))
        assert set(backtest_segments(make_models(MODELS)[0], own)) == {ALL}


def test_without_input_tables_there_are_no_segments():
    with DuckDBEngine() as engine:
        assert segment_columns(engine) == []


def test_users_without_touches_are_in_no_segment():
    ghost = pl.DataFrame(
        {"user_id": ["unknown user"], "customer_type": ["ghost"], "region": ["moon"]}
    )
    segments, _ = loaded(pl.concat([WORLD.users, ghost]))
    assert set(segments["region"]) == {f"region = {own}" for own in WORLD.users["region"]}


def test_split_yields_the_positions_of_each_segment():
    column = SegmentColumn(
        ("x = a", "x = b", "x = c"), np.array([0, 2, 0, 2, 2, 0], dtype=np.int16)
    )
    rows = np.array([1, 2, 4, 5])
    parts = {label: places.tolist() for label, places in column.split(rows)}
    assert parts == {"x = a": [1, 3], "x = c": [0, 2]}
    assert dict(column.split(np.empty(0, dtype=np.intp))) == {}


def test_scores_of_the_segments_of_a_column_add_up_to_all_users(users):
    with DuckDBEngine() as engine:
        build_landmarks(engine, users)
        models = make_models(MODELS)
        [(_, calendar, own)] = pipeline.load_splits(engine, models)
    ceiling = ceiling_scores(models, own)
    for scores in (*(backtest_segments(model, own) for model in models), ceiling):
        assert next(iter(scores)) == ALL
        names = {label.rpartition(" = ")[0] for label in scores if label != ALL}
        assert len(names) == users.width - 1
        for name in names:
            parts = [own for label, own in scores.items() if label.startswith(f"{name} = ")]
            assert len(parts) > 1 or name == "constant"
            for field in fields(Scores):
                whole = getattr(scores[ALL], field.name)
                total = np.sum([getattr(part, field.name) for part in parts], axis=0)
                if field.name == "log_loss":
                    # Each part is scored given its own number of conversions of a day, and no
                    # other shift of its forecasts has a smaller loss.
                    assert (total.sum(axis=1) <= whole.sum(axis=1) + 1e-9).all()
                    equal = len(parts) == 1
                    assert np.allclose(total, whole, rtol=1e-9, atol=1e-12) == equal
                else:
                    np.testing.assert_allclose(total, whole, rtol=1e-9, atol=1e-12)
        assert len(scores[ALL].landmarks) == len(calendar)


def test_scores_of_a_segment_are_those_of_its_users(users):
    """The sums of a segment are those of its users, with the forecasts of all users."""
    with DuckDBEngine() as engine:
        build_landmarks(engine, users)
        model = make_models(["linear"])[0]
        [(_, calendar, own)] = pipeline.load_splits(engine, [model])
    [region] = [column for column in own.segments if column.labels[0].startswith("region")]
    scores = backtest_segments(model, own)
    period = calendar.period_of(own.landmarks.happened_at)
    for code, label in enumerate(region.labels):
        mine = (region.code == code) & (period >= 0)
        landmarks = np.zeros((len(calendar), 256))
        conversions = np.zeros((len(calendar), 256))
        np.add.at(landmarks, (period[mine], own.landmarks.bucket[mine]), 1)
        np.add.at(conversions, (period[mine], own.landmarks.bucket[mine]),
                  own.landmarks.converted[mine])  # fmt: skip
        np.testing.assert_array_equal(scores[label].landmarks, landmarks)
        np.testing.assert_array_equal(scores[label].conversions, conversions)


# --- new and returning users ----------------------------------------------------------------------


def test_new_and_returning_users_are_known_at_the_landmark():
    with DuckDBEngine() as engine:
        build_landmarks(engine, None)
        [customer] = load_segments(engine, OUTCOME, customer=True)
        rows = engine.rows(
            "select landmarks.landmark, landmarks.happened_at, users.user_id"
            " from evaluation.landmarks as landmarks"
            " inner join journeys.users as users using (user_key) order by landmark"
        )
    assert customer.labels == ("customer = new", "customer = returning")
    orders = dict(WORLD.conversions.group_by("user_id").agg(pl.col("converted_at").min()).rows())
    expected = [user in orders and orders[user] < at for _, at, user in rows]
    assert customer.code.tolist() == [int(value) for value in expected]
    assert 0 < sum(expected) < len(expected)


def test_new_and_returning_users_have_verdicts_and_credit():
    world = simulate("last_touch", users=4000, seed=31, weeks=20)
    result = compare(
        world.touchpoints,
        world.conversions,
        lookback="7d",
        models=MODELS,
        customer_segment=True,
    )
    assert set(result.segments["segment"]) == {"customer = new", "customer = returning"}
    first = world.conversions.group_by("user_id").agg(pl.len().alias("n"))
    credit = result.marts["segment_credit"].filter(model="linear")
    by_segment = dict(credit.group_by("segment").agg(pl.col("conversions").sum()).rows())
    all_credit = result.credit.filter(
        (pl.col("model") == "linear") & (pl.col("channel") != "(unattributed)")
    )
    assert sum(by_segment.values()) == pytest.approx(all_credit["conversions"].sum())
    assert 0 < by_segment["customer = returning"] <= first["n"].sum() - first.height


def test_a_column_of_users_may_not_have_the_name_of_the_segment():
    users = WORLD.users.select("user_id").with_columns(Customer=pl.lit("new"))
    with pytest.raises(
        InputError, match="customer_segment: the table users has a column 'Customer'"
    ):
        compare(
            WORLD.touchpoints,
            WORLD.conversions,
            users=users,
            lookback="7d",
            models=MODELS,
            customer_segment=True,
        )
