"""Landmarks and paths of path tables, against prefixes built one by one."""

from __future__ import annotations

import dataclasses
import functools
from collections import defaultdict
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.evaluation.adjustment import Activity
from lydite.inputs.path_rows import MAX_COUNT
from lydite.inputs.path_table import read_path_table
from lydite.models import Markov, Rule, make_model
from lydite.models.base import weight_columns
from lydite.models.transitions import Transitions
from lydite.paths import path_table_landmarks, touch_weights
from lydite.paths.path_table_landmarks import (
    journey_landmarks,
    landmarks_of,
    paths_of,
    summed_landmarks,
)
from tests.helpers.examples import examples

REFERENCE = Path(__file__).parents[2] / "shared" / "reference"

RULES = [
    make_model("first_touch"),
    make_model("last_touch"),
    make_model("last_non_direct"),
    make_model("linear"),
    make_model("position_based"),
    Rule('by "name"', "names", "case channel when 'a' then 3 when 'É>x' then 0.5 end"),
    Rule("BY \"NAME\"", "the same name, but for case", "position * 10 + path_length"),
    Rule("whole", "whole numbers", "position_from_end"),
    Rule("nothing", "nothing at all", "0"),
    Rule("kinds", "what a path table lacks", "length(coalesce(campaign, interaction, 'xy'))"),
]  # fmt: skip
WEIGHTS = weight_columns(RULES)


@pytest.fixture(scope="module")
def read():
    """Read rows of path, conversions, value and nulls."""
    with DuckDBEngine(threads=1) as engine:

        def read(rows):
            names = ["path", "conversions", "value", "nulls"]
            return read_path_table(engine, pl.DataFrame(rows, schema=names, orient="row"))

        yield read


@st.composite
def tables(draw):
    """Rows of a path table, of which at least one has a journey."""
    names = st.sampled_from(["a", "b", "(Direct)", "DIRECT", "É>x"])
    counts = st.integers(0, 3)
    path = st.lists(names, min_size=1, max_size=7).map(" > ".join)
    row = st.tuples(path, counts, st.just(0.0), counts)
    return [*draw(st.lists(row, max_size=6)), ("a > b", 1, 2.0, 1)]


# --- brute force --------------------------------------------------------------------------------


def paths_in(table):
    return [
        table.channel[start : start + size].tolist()
        for start, size in zip(table.start, table.length, strict=True)
    ]


def cut(path, most=50):
    """Return what counts of a path at a landmark."""
    return path if len(path) <= most else [path[0], *path[-(most - 1) :]]


@functools.cache
def weights_of(position, length, known, channel):
    """Return what every rule weighs one touch, as DuckDB has it for that touch alone."""
    expressions = ", ".join(f"({rule.expression})::double" for rule in RULES)
    (weights,) = duckdb.execute(
        f"""
        select {expressions} from (
            select
                $position as position,
                $length as path_length,
                $back as position_from_end,
                $known as last_non_direct_position,
                $channel::varchar as channel,
                null::varchar as campaign,
                null::varchar as interaction
        )
        """,
        {
            "position": position,
            "length": length,
            "back": length - position + 1,
            "known": known,
            "channel": channel,
        },
    ).fetchall()
    return [weight or 0.0 for weight in weights]


def expected_entries(channels, path):
    """Return touches and weights by channel of a path."""
    names = [channels[i] for i in path]
    known = [i for i, name in enumerate(names, 1) if name.lower() not in ("direct", "(direct)")]
    entries = defaultdict(lambda: np.zeros(1 + len(RULES)))
    for i, channel in enumerate(path):
        weights = weights_of(i + 1, len(path), max(known, default=None), names[i])
        entries[channel] += [1, *weights]
    return dict(entries)


def entries_of(path, row):
    """Return touches and weights by channel of one path of `PathChannels`."""
    entries = np.flatnonzero(path.row == row)
    assert (np.diff(path.channel[entries]) > 0).all()
    return {
        int(path.channel[i]): [path.touches[i], *[path.weights[rule.name][i] for rule in RULES]]
        for i in entries
    }


def assert_entries(path, row, channels, numbers):
    found, expected = entries_of(path, row), expected_entries(channels, numbers)
    assert found.keys() == expected.keys()
    for channel, values in expected.items():
        assert found[channel] == pytest.approx(values, rel=1e-6)


def landmarks_by_hand(table, ends):
    """Write out landmarks; `ends` are rows of path number, unit, conversions and nulls."""
    rows = []
    for number, unit, hits, misses in ends:
        path = paths_in(table)[number]
        for i, channel in enumerate(path):
            history = tuple([*path[i::-1], -1, -1, -1, -1][:4])
            length = min(i + 1, 50)
            if i + 1 < len(path):
                rows += [(unit, False, history, path[i + 1], length, hits + misses)]
            else:
                rows += [(unit, False, history, -1, length, misses)]
                rows += [(unit, True, history, -1, length, hits)]
            assert history[0] == channel
    return sorted(row for row in rows if row[-1])


def written(landmarks):
    """Return landmarks as rows, sorted."""
    columns = (
        landmarks.bucket, landmarks.converted, map(tuple, landmarks.history.tolist()),
        landmarks.next_channel, landmarks.path_length, landmarks.count,
    )  # fmt: skip
    return sorted(zip(*columns, strict=True))


def default_ends(table):
    n = len(table)
    return [(i, i, hits, 0) for i, hits in enumerate(table.conversions)] + [
        (i, n + i, 0, misses) for i, misses in enumerate(table.nulls)
    ]


# --- landmarks ----------------------------------------------------------------------------------


@examples(50)
@given(tables())
def test_landmarks_are_the_prefixes(read, rows):
    table = read(rows)
    landmarks = landmarks_of(table, {})
    assert written(landmarks) == landmarks_by_hand(table, default_ends(table))
    assert landmarks.channels == table.channels
    assert landmarks.paths.path_channels.weights == {}
    journeys = table.conversions + table.nulls
    assert landmarks.count.sum() == (journeys * table.length).sum()
    assert landmarks.count[landmarks.converted].sum() == table.conversions.sum()


@examples(25)
@given(tables())
def test_channels_and_weights_of_prefixes_equal_brute_force(read, rows):
    table = read(rows)
    landmarks = landmarks_of(table, WEIGHTS)
    assert (np.diff(landmarks.paths.path_channels.row) >= 0).all()
    assert len(set(landmarks.path)) == len(landmarks.paths)
    paths, n = paths_in(table), len(table)
    for row in range(len(landmarks)):
        prefix = paths[landmarks.bucket[row] % n][: landmarks.path_length[row]]
        assert_entries(landmarks.paths.path_channels, landmarks.path[row], table.channels, prefix)


def test_units_may_be_given(read):
    table = read([("a", 1, 0.0, 2), ("a > b", 3, 0.0, 0)])
    landmarks = landmarks_of(table, {}, np.array([7, 8, 9, 7]))
    ends = [(0, 7, 1, 0), (1, 8, 3, 0), (0, 9, 0, 2), (1, 7, 0, 0)]
    assert written(landmarks) == landmarks_by_hand(table, ends)


def added_up(rows):
    """Add up the counts of rows that are the same but for their unit."""
    total = defaultdict(float)
    for _, *row, count in rows:
        total[tuple(row)] += count
    return dict(total)


@examples(50)
@given(tables())
def test_landmarks_of_one_unit_are_sums(read, rows):
    table = read(rows)
    landmarks = summed_landmarks(table, {})
    assert not landmarks.bucket.any()
    assert added_up(written(landmarks)) == added_up(landmarks_by_hand(table, default_ends(table)))
    ends = set(zip(landmarks.path, landmarks.next_channel, landmarks.converted, strict=True))
    assert len(ends) == len(landmarks)


@examples(25)
@given(tables())
def test_landmarks_of_one_unit_are_on_the_same_paths(read, rows):
    table = read(rows)
    with_weights, without = summed_landmarks(table, WEIGHTS), summed_landmarks(table, {})
    assert landmarks_of(table, WEIGHTS).paths.path_channels.weights.keys() == {
        rule.name for rule in RULES
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(path_table_landmarks, "_MAX_CELLS", 0)
        sparse = summed_landmarks(table, {})
    for other in (with_weights, sparse):
        np.testing.assert_array_equal(other.paths.history, without.paths.history)
        np.testing.assert_array_equal(other.paths.length, without.paths.length)
        for name in ("row", "channel", "touches"):
            np.testing.assert_array_equal(
                getattr(other.paths.path_channels, name),
                getattr(without.paths.path_channels, name),
                err_msg=name,
            )


@pytest.mark.parametrize("model", ["markov_1", "markov_4", "shapley", "position_based_fitted"])
@examples(10)
@given(rows=tables())
def test_models_learn_the_same_from_sums(read, model, rows):
    table, fits = read(rows), []
    for make, units in ((landmarks_of, 2 * len(table)), (summed_landmarks, 1)):
        own = make_model(model)
        own.fit_credit(
            own.sufficient_statistics(make(table, weight_columns([own])), units), np.ones(units)
        )
        paths = paths_of(table, weight_columns([own]))
        features = own.encode_paths(paths)
        fits.append(own.shares(features).toarray()[features.inverse])
    np.testing.assert_allclose(*fits, rtol=1e-9, atol=1e-12)


def test_there_is_no_clock(read):
    landmarks = landmarks_of(read([("a > b", 1, 0.0, 2)]), {})
    assert (landmarks.happened_at == np.datetime64("1970-01-01", "us")).all()
    assert np.isnan(landmarks.hours_since_previous).all()
    assert np.isnan(landmarks.hours_to_next).all()
    assert (landmarks.hours_since_first == 0).all()
    assert (Activity(landmarks).levels[:, 1:] == 0).all()
    assert Activity(landmarks).levels[:, 0].tolist() == [0, 1]


@pytest.mark.parametrize("make", [landmarks_of, summed_landmarks, journey_landmarks, paths_of])
def test_models_that_need_a_clock_are_refused(read, make):
    clocks = [make_model("time_decay"), Rule("late", "hours", "hours_after_start")]
    with pytest.raises(InputError, match="need it: 'time_decay', 'late'.*Give touchpoints"):
        make(read([("a", 1, 0.0, 1)]), weight_columns(clocks))


@pytest.mark.parametrize("make", [landmarks_of, journey_landmarks, paths_of])
def test_weights_that_do_not_fit_are_refused(read, make):
    with pytest.raises(InputError, match="do not fit the touches of a path.*colour"):
        make(read([("a", 1, 0.0, 1)]), {"odd": "colour"})


def test_counts_above_32_bits(read):
    landmarks = landmarks_of(read([("a > b", 2**40, 0.0, MAX_COUNT)]), {})
    assert sorted(landmarks.count) == [2**40, 2**40, MAX_COUNT, MAX_COUNT]


# --- long paths ---------------------------------------------------------------------------------


def test_prefixes_of_more_than_fifty_touches(read):
    rng = np.random.default_rng(3)
    names = ["direct", *rng.choice(["a", "b", "c", "direct"], 60, p=[0.1, 0.1, 0.1, 0.7]), "b"]
    table = read([(">".join(names + ["direct"] * 70), 1, 0.0, 0)])
    landmarks = landmarks_of(table, WEIGHTS)
    (path,) = paths_in(table)
    assert (landmarks.path_length == np.minimum(np.arange(len(path)) + 1, 50)).all()
    for row in (0, 1, 48, 49, 50, 51, 61, 62, 100, 130, len(path) - 1):
        number = landmarks.path[row]
        assert_entries(landmarks.paths.path_channels, number, table.channels, cut(path[: row + 1]))


def test_whole_paths_count_all_touches(read):
    table = read([(">".join(["a", "b", "direct"] * 40), 1, 5.0, 0)])
    paths = paths_of(table, WEIGHTS)
    assert_entries(paths.path, 0, table.channels, paths_in(table)[0])
    assert paths.path.touches.sum() == 120


@pytest.mark.parametrize("channels", [2, 10_000])
def test_a_path_of_ten_thousand_touches_has_few_entries(read, monkeypatch, channels):
    monkeypatch.setattr("lydite.inputs.path_steps.MAX_CHANNELS", channels)
    names = [f"c{i % channels}" for i in range(10_000)]
    table = read([(">".join(names), 2, 0.0, 1)])
    landmarks = landmarks_of(table, WEIGHTS)
    assert len(landmarks) == 20_000
    touched = landmarks.paths.path_channels
    assert len(touched.row) <= 10_000 * min(50, channels)
    assert np.bincount(touched.row, touched.touches).max() == 50
    assert len(paths_of(table, WEIGHTS).path.row) == channels


def fields_of(thing):
    """Return every array of landmarks or paths by name."""
    path = vars(thing.paths.path_channels if hasattr(thing, "paths") else thing.path)
    return {k: v for k, v in (vars(thing) | path | dict(path["weights"])).items() if k != "weights"}


@given(tables(), st.integers(1, 9))
@examples(25)
def test_parts_change_nothing(read, rows, most):
    table = read(rows)
    for make in (landmarks_of, paths_of):
        whole = make(table, WEIGHTS)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(touch_weights, "_MAX_TOUCHES", most)
            parts = make(table, WEIGHTS)
        for name, value in fields_of(whole).items():
            if name not in ("path", "paths"):
                np.testing.assert_array_equal(fields_of(parts)[name], value, err_msg=name)


# --- converted paths ----------------------------------------------------------------------------


@examples(25)
@given(tables())
def test_converted_paths(read, rows):
    table = read(rows)
    paths = paths_of(table, WEIGHTS)
    converted = [i for i, hits in enumerate(table.conversions) if hits]
    assert paths.unit.tolist() == converted
    assert paths.conversions.tolist() == table.conversions[converted].tolist()
    assert paths.value.tolist() == table.value[converted].tolist()
    for row, number in enumerate(converted):
        assert_entries(paths.path, row, table.channels, paths_in(table)[number])


def test_a_table_without_conversions_has_no_paths(read):
    table = read([("a > b", 0, 0.0, 2)])
    paths = paths_of(table, WEIGHTS)
    assert (len(paths), len(paths.path.row)) == (0, 0)
    assert paths.path.weights.keys() == {rule.name for rule in RULES}
    landmarks = landmarks_of(table, WEIGHTS)
    assert not landmarks.converted.any()
    assert len(landmarks) == 2


def test_shares_of_rules_are_those_of_whole_paths(read):
    table = read([("a > b > (direct)", 3, 6.0, 1), ("(direct) > direct", 2, 0.0, 1)])
    paths = paths_of(table, WEIGHTS)
    shares = {rule.name: rule.shares(rule.encode_paths(paths)).toarray() for rule in RULES}
    credit = {
        name: dict(zip(table.channels, paths.conversions @ share, strict=True))
        for name, share in shares.items()
    }
    assert credit["last_non_direct"] == {"a": 0, "b": 3, "(direct)": 0, "direct": 2}
    assert credit["first_touch"] == {"a": 3, "b": 0, "(direct)": 2, "direct": 0}
    assert credit["nothing"] == credit["linear"]


# --- journeys -----------------------------------------------------------------------------------


@examples(50)
@given(tables(), st.integers(1, 5), st.integers(0, 3))
def test_all_touches_of_a_journey_are_in_one_bucket(read, rows, buckets, seed):
    table = read(rows)
    landmarks = journey_landmarks(table, {}, buckets=buckets, seed=seed)
    assert landmarks.bucket.max() < buckets
    ends = path_table_landmarks._drawn(table, buckets, np.random.default_rng(seed))
    row, _, hits, misses = ends
    n = len(table)
    np.testing.assert_array_equal(np.bincount(row, hits, n), table.conversions)
    np.testing.assert_array_equal(np.bincount(row, misses, n), table.nulls)
    assert written(landmarks) == landmarks_by_hand(table, list(zip(*ends, strict=True)))


def test_one_bucket_holds_all(read):
    table = read([("a > b", 2, 0.0, 3), ("b", 1, 0.0, 0)])
    one = journey_landmarks(table, WEIGHTS, buckets=1)
    ends = [(i, 0, table.conversions[i], table.nulls[i]) for i in range(2)]
    assert written(one) == landmarks_by_hand(table, ends)


def test_buckets_have_equal_probability(read):
    table = read([("a", 320_000, 0.0, 640_000)])
    landmarks = journey_landmarks(table, {}, buckets=32, seed=1)
    for hit, mean in ((True, 10_000), (False, 20_000)):
        counts = landmarks.count[landmarks.converted == hit]
        chi_square = ((counts - mean) ** 2 / mean).sum()
        assert 8 < chi_square < 75  # of 31 degrees of freedom: 5 in a million lie outside


def test_the_largest_counts_are_drawn(read):
    table = read([("a > b", MAX_COUNT, 0.0, MAX_COUNT)])
    *_, hits, misses = path_table_landmarks._drawn(table, 32, np.random.default_rng(0))
    assert (hits.sum(), misses.sum()) == (MAX_COUNT, MAX_COUNT)
    assert abs(hits - MAX_COUNT / 32).max() < 6 * np.sqrt(MAX_COUNT / 32)


def test_many_rows_are_drawn_in_parts(read, monkeypatch):
    monkeypatch.setattr(path_table_landmarks, "_MAX_ROWS", 3)
    table = read([(f"{i} > b", i, 0.0, 1) for i in range(10)])
    row, _, hits, misses = path_table_landmarks._drawn(table, 4, np.random.default_rng(0))
    np.testing.assert_array_equal(np.bincount(row, hits), table.conversions)
    np.testing.assert_array_equal(np.bincount(row, misses), table.nulls)


@examples(50)
@given(tables(), st.randoms(use_true_random=False))
def test_order_and_names_do_not_change_the_draws(read, rows, random):
    before = journey_landmarks(read(rows), {}, seed=5)
    names = ["a", "b", "(Direct)", "DIRECT", "É>x"]
    label = dict(zip(names, random.sample(names, 5), strict=True))
    shuffled = [
        (" > ".join(label[name] for name in path.split(" > ")), *numbers)
        for path, *numbers in random.sample(rows, len(rows))
    ]
    after = journey_landmarks(read(shuffled), {}, seed=5)
    for field in dataclasses.fields(before):
        if field.name not in ("channels", "path", "paths"):
            np.testing.assert_array_equal(getattr(before, field.name), getattr(after, field.name))


def test_the_seed_decides(read):
    table = read([("a", 50, 0.0, 50)])
    draw = [written(journey_landmarks(table, {}, seed=seed)) for seed in (1, 1, 2)]
    assert draw[0] == draw[1] != draw[2]


# --- models -------------------------------------------------------------------------------------


def assert_same_chain(landmarks, table, order):
    counted = Transitions.from_landmarks(landmarks, order)
    expected = Transitions.from_paths(
        paths_in(table), table.conversions, table.nulls, order, len(table.channels)
    )
    for name, value in vars(expected).items():
        np.testing.assert_array_equal(getattr(counted, name), value, err_msg=name)


@examples(50)
@given(tables(), st.integers(1, 4))
def test_markov_counts_the_transitions_of_the_paths(read, rows, order):
    table = read(rows)
    assert_same_chain(landmarks_of(table, {}), table, order)
    assert_same_chain(summed_landmarks(table, {}), table, order)
    assert_same_chain(journey_landmarks(table, {}), table, order)


def test_a_chain_of_more_moves_than_fit_in_16_bits(read):
    drawn = np.random.default_rng(5).integers(0, 12, (4_000, 12))
    table = read([(" > ".join(map(str, path)), 1, 0.0, 1) for path in drawn])
    landmarks = summed_landmarks(table, {})
    assert len(Transitions.from_landmarks(landmarks, 4).moves) > 2**15
    assert_same_chain(landmarks, table, 4)
    assert_same_chain(landmarks_of(table, {}), table, 4)


def test_markov_has_the_published_effects_of_the_reference():
    file = REFERENCE / "path_table.csv.gz"
    if not file.exists():
        pytest.skip(f"the reference data {file.name} are not next to the repository")
    with DuckDBEngine() as engine:
        table = read_path_table(engine, file)
    landmarks = landmarks_of(table, {})
    units = 2 * len(table)
    model = Markov(1).fit(landmarks)
    again = Markov(1).fit_credit(Markov(1).sufficient_statistics(landmarks, units), np.ones(units))
    assert again.effects == pytest.approx(dict(model.effects), rel=1e-12)
    known = {"alpha": 0.5584, "iota": 0.4058, "eta": 0.3490, "beta": 0.2640, "gamma": 0.0179}
    assert {name: round(model.effects[name], 4) for name in known} == known
    paths = paths_of(table, weight_columns([make_model("linear")]))
    linear = make_model("linear")
    credit = paths.conversions @ linear.shares(linear.encode_paths(paths))
    assert credit[table.channels.index("alpha")] == pytest.approx(7574.7186, abs=1e-4)
    assert credit[table.channels.index("lambda")] == pytest.approx(1035.2576, abs=1e-4)
    assert paths.value.sum() == pytest.approx(74_802.97, abs=0.005)
