"""Removal effects: brute force, published figures, invariances."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.models import removal_effects
from lydite.models.removal_effects import absorb
from lydite.models.transitions import Transitions
from tests.helpers.random_path_tables import (
    ORDERS,
    A,
    B,
    C,
    count_paths,
    from_landmark_counts,
    landmark_counts,
    path_tables,
)

REPO_ROOT = Path(__file__).parents[2]
REFERENCE = REPO_ROOT.parent / "shared" / "reference"

TOY = ([[A, B, A, B, B, A], [A, B, B, A, A], [A, A]], [1, 1, 1], [0, 0, 0])


# --- brute force --------------------------------------------------------------------------------


def probability_of_conversion(counts, removed=None):
    """Solve the chain once, with every state that stands in the removed channel made a null."""
    live = [s for s in counts if s == "start" or s[-1] != removed]
    number = {state: i for i, state in enumerate(live)}
    going, ending = np.zeros((len(live), len(live))), np.zeros(len(live))
    for state in live:
        total = sum(counts[state].values())
        for following, count in counts[state].items():
            if following == "conversion":
                ending[number[state]] += count / total
            elif following in number:
                going[number[state], number[following]] += count / total
    if "start" not in number:
        return 0.0
    return np.linalg.solve(np.eye(len(live)) - going, ending)[number["start"]]


def brute_effects(counts, n_channels):
    whole = probability_of_conversion(counts)
    if whole == 0:
        return np.zeros(n_channels)
    return np.array([1 - probability_of_conversion(counts, c) / whole for c in range(n_channels)])


@given(path_tables(), st.sampled_from(ORDERS))
def test_effects_equal_brute_force_removal(table, order):
    paths, conversions, nulls, n_channels = table
    counts = count_paths(paths, conversions, nulls, order)
    result = absorb(Transitions.from_paths(paths, conversions, nulls, order, n_channels))
    assert result.conversion == pytest.approx(probability_of_conversion(counts), abs=1e-9)
    np.testing.assert_allclose(result.removal_effect, brute_effects(counts, n_channels), atol=1e-9)
    assert (result.removal_effect >= 0).all()
    assert (result.removal_effect <= 1).all()
    # The chain moves as often as the paths do, so it converts as often.
    total = sum(conversions) + sum(nulls)
    if total:
        assert result.conversion == pytest.approx(sum(conversions) / total, abs=1e-9)


@given(path_tables(), st.sampled_from(ORDERS))
def test_visits_equal_brute_force_arrival(table, order):
    paths, conversions, nulls, n_channels = table
    visit = absorb(Transitions.from_paths(paths, conversions, nulls, order, n_channels)).visit
    for channel in range(n_channels):
        counts = count_paths(paths, conversions, nulls, order)
        for state in list(counts):
            if state != "start" and state[-1] == channel:
                counts[state] = {"conversion": 1.0}
            else:
                counts[state]["null"] += counts[state].pop("conversion", 0.0)
        assert visit[channel] == pytest.approx(probability_of_conversion(counts), abs=1e-9)


@given(path_tables(), st.sampled_from((2, 3, 4)))
def test_factorisation_equals_iteration(table, order):
    transitions = Transitions.from_paths(*table[:3], order, table[3])
    iterated = absorb(transitions)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(removal_effects, "_MAX_STEPS", 0)
        factorised = absorb(transitions)
    np.testing.assert_allclose(iterated.removal_effect, factorised.removal_effect, atol=1e-9)
    np.testing.assert_allclose(iterated.conversion_from, factorised.conversion_from, atol=1e-9)


def test_many_channels_are_iterated_in_parts(monkeypatch):
    rng = np.random.default_rng(4)
    paths = [rng.integers(0, 9, rng.integers(1, 12)).tolist() for _ in range(400)]
    transitions = Transitions.from_paths(paths, np.ones(400), np.ones(400), 2, 9)
    whole = absorb(transitions).removal_effect
    monkeypatch.setattr(removal_effects, "_MAX_CELLS", 2 * len(transitions.states))
    np.testing.assert_allclose(absorb(transitions).removal_effect, whole, rtol=1e-12)


# --- published figures --------------------------------------------------------------------------


def attributed(effects, conversions):
    """Return conversions in proportion to the effects, as is usual for path tables."""
    return effects / effects.sum() * conversions


def test_toy_shares_two_conversions_and_one():
    effects = absorb(Transitions.from_paths(*TOY, order=1, n_channels=2)).removal_effect
    np.testing.assert_allclose(attributed(effects, 3), [2, 1], rtol=1e-12)


def read_reference(name, nulls):
    path = REFERENCE / name
    if not path.exists():
        pytest.skip(f"the reference data {name} are not next to the repository")
    table = pl.read_csv(path)
    split = [[c.strip() for c in p.split(">")] for p in table["path"]]
    names = sorted({channel for p in split for channel in p})
    number = {channel: i for i, channel in enumerate(names)}
    paths = [[number[channel] for channel in p] for p in split]
    return paths, table["total_conversions"].to_numpy(), table[nulls].to_numpy(), names


def test_path_table_has_its_published_figures():
    paths, conversions, nulls, names = read_reference("path_table.csv.gz", "total_null")
    result = absorb(Transitions.from_paths(paths, conversions, nulls, 1, len(names)))
    credit = attributed(result.removal_effect, conversions.sum())
    figures = {
        "alpha": (0.5584, 5344.95),
        "iota": (0.4058, 3884.61),
        "eta": (0.3490, 3340.85),
        "beta": (0.2640, 2527.35),
        "theta": (0.2060, 1971.91),
        "lambda": (0.1340, 1282.85),
        "epsilon": (0.0626, 599.57),
        "zeta": (0.0398, 381.06),
        "kappa": (0.0287, 274.36),
        "gamma": (0.0179, 171.15),
    }
    found = {
        name: (round(result.removal_effect[i], 4), round(credit[i], 2))
        for i, name in enumerate(names)
        if name in figures
    }
    assert found == figures
    assert round(result.conversion, 6) == 0.223845


def test_sparse_path_table_has_its_published_figures():
    paths, conversions, nulls, names = read_reference(
        "sparse_path_table.csv", "total_non_conversions"
    )
    result = absorb(Transitions.from_paths(paths, conversions, nulls, 1, len(names)))
    credit = attributed(result.removal_effect, conversions.sum())
    figures = dict(
        zip("ABCDEFGHI", [647.42, 654.10, 364.63, 254.88, 2.88, 6.44, 17.13, 27.50, 8.01],
            strict=True)
    )  # fmt: skip
    assert {name: round(credit[names.index(name)], 2) for name in figures} == figures
    assert round(result.conversion, 8) == 0.00738053


@pytest.mark.parametrize("order", ORDERS)
def test_path_table_converts_as_counted_at_every_order(order):
    paths, conversions, nulls, names = read_reference("path_table.csv.gz", "total_null")
    result = absorb(Transitions.from_paths(paths, conversions, nulls, order, len(names)))
    expected = conversions.sum() / (conversions.sum() + nulls.sum())
    assert result.conversion == pytest.approx(expected, rel=1e-12)


# --- what must not matter -----------------------------------------------------------------------


@given(path_tables(), st.sampled_from(ORDERS), st.randoms(use_true_random=False))
def test_relabelled_channels_permute_the_effects(table, order, random):
    paths, conversions, nulls, n_channels = table
    label = random.sample(range(n_channels), n_channels)
    renamed = [[label[channel] for channel in path] for path in paths]
    before = absorb(Transitions.from_paths(paths, conversions, nulls, order, n_channels))
    after = absorb(Transitions.from_paths(renamed, conversions, nulls, order, n_channels))
    np.testing.assert_allclose(after.removal_effect[label], before.removal_effect, atol=1e-12)


@given(path_tables(), st.sampled_from(ORDERS))
def test_split_rows_of_equal_paths_change_nothing(table, order):
    paths, conversions, nulls, n_channels = table
    half = np.array(conversions) // 2
    whole = absorb(Transitions.from_paths(paths, conversions, nulls, order, n_channels))
    split = absorb(
        Transitions.from_paths(
            [*paths, *paths[::-1]],
            [*half, *(np.array(conversions) - half)[::-1]],
            [*nulls, *[0] * len(nulls)],
            order,
            n_channels,
        )
    )
    np.testing.assert_allclose(split.removal_effect, whole.removal_effect, atol=1e-12)


# --- edges --------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS)
def test_no_conversions_have_no_effects(order):
    result = absorb(Transitions.from_paths([[A, B], [B]], [0, 0], [3, 2], order, 2))
    assert result.conversion == 0
    assert result.removal_effect.tolist() == [0, 0]


@pytest.mark.parametrize("order", ORDERS)
def test_nothing_counted_has_no_effects(order):
    frame = landmark_counts([], [], [])
    result = absorb(from_landmark_counts(frame, order, 2))
    assert result.conversion == 0
    assert result.removal_effect.tolist() == [0, 0]


@pytest.mark.parametrize("order", ORDERS)
def test_the_only_channel_has_effect_one(order):
    result = absorb(Transitions.from_paths([[A], [A, A, A, A, A]], [1, 2], [3, 0], order, 1))
    assert result.removal_effect == pytest.approx([1])
    assert result.visit == pytest.approx([1])


@pytest.mark.parametrize("order", ORDERS)
def test_without_nulls_everything_converts(order):
    result = absorb(Transitions.from_paths([[A, B], [B, C]], [1, 3], [0, 0], order, 3))
    assert result.conversion == pytest.approx(1)
    np.testing.assert_allclose(result.removal_effect, [1 / 4, 1, 3 / 4])


@pytest.mark.parametrize("order", ORDERS)
def test_a_path_of_ten_thousand_touches(order):
    path = [A, B] * 5_000
    result = absorb(Transitions.from_paths([path, [C]], [1, 1], [1, 0], order, 3))
    assert result.conversion == pytest.approx(2 / 3, abs=1e-9)
    np.testing.assert_allclose(result.removal_effect, [1 / 2, 1 / 2, 1 / 2], atol=1e-9)


def test_counts_above_32_bits():
    many = 2**40
    result = absorb(Transitions.from_paths([[A, B], [B]], [many, many], [many, 5 * many], 1, 2))
    assert result.conversion == pytest.approx(2 / 8)


@pytest.mark.parametrize("order", ORDERS)
def test_a_loop_without_end_is_no_conversion(order):
    # A and B lead to each other only: no landmark after them was mature.
    rows = [(None, None, None, A, B, 2), (None, None, A, B, A, 2), (None, None, None, C, None, 2)]
    frame = pl.DataFrame(
        [(*row[:5], row[3] == C, row[5]) for row in rows],
        schema=["previous_3", "previous_2", "previous_1", "channel_key", "next_channel_key",
                "converted", "landmarks"],
        orient="row",
    )  # fmt: skip
    result = absorb(from_landmark_counts(frame, order, 3))
    assert result.conversion == pytest.approx(1 / 2)
    np.testing.assert_allclose(result.removal_effect, [0, 0, 1], atol=1e-12)


def test_a_cut_history_continues_at_its_longest_counted_suffix():
    # The lookback cut A from the path of the last landmark: (A, B) then C was counted as (B, C).
    frame = pl.DataFrame(
        [
            (None, None, None, A, B, False, 4),
            (None, None, A, B, C, False, 4),
            (None, None, B, C, None, True, 3),
            (None, None, B, C, None, False, 1),
        ],
        schema=["previous_3", "previous_2", "previous_1", "channel_key", "next_channel_key",
                "converted", "landmarks"],
        orient="row",
    )  # fmt: skip
    result = absorb(from_landmark_counts(frame, 3, 3))
    assert result.conversion == pytest.approx(3 / 4)
    np.testing.assert_allclose(result.removal_effect, [1, 1, 1])


def test_a_move_to_nowhere_is_no_conversion():
    rows = [(None, None, None, A, B, False, 1), (None, None, None, A, None, True, 1)]
    frame = pl.DataFrame(
        rows,
        schema={"previous_3": pl.Int16, "previous_2": pl.Int16, "previous_1": pl.Int16,
                "channel_key": pl.Int16, "next_channel_key": pl.Int16, "converted": pl.Boolean,
                "landmarks": pl.Int64},
        orient="row",
    )  # fmt: skip
    result = absorb(from_landmark_counts(frame, 1, 2))
    assert result.conversion == pytest.approx(1 / 2)
    np.testing.assert_allclose(result.removal_effect, [1, 0])
