"""95 % intervals of credit have the right coverage, and the study computes it correctly."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from studies import credit_coverage
from studies.credit_coverage import (
    FIGURES,
    LIMIT_USERS,
    STUDIED,
    find,
    findings,
    limit,
    read,
    run,
    tables,
)
from studies.resumable import append

# Seeds of this test, other than those of the study.
SEEDS = range(3001, 3061)
USERS = 5_000

#: Channels of a seed share its conversions, so that fewer are independent than there are; half as
#: many is on the safe side.
INDEPENDENT = 0.5
#: Chance that a bound is passed though coverage is right.
ALARM = 1e-3


def bounds(intervals, chance=ALARM):
    """Return between which shares of independent intervals 95 % may lie by chance."""
    return binom.ppf([chance / 2, 1 - chance / 2], intervals, 0.95) / intervals


def holds(coverage):
    """Return whether the mean coverage is within its bounds."""
    low, high = bounds(round(coverage.held.size * INDEPENDENT))
    return low <= coverage.mean <= high


@pytest.mark.slow
@pytest.mark.parametrize("world", ["linear", "channel_set"])
def test_intervals_of_the_true_model_have_the_right_coverage(world):
    [[model], _] = STUDIED[world]
    rows = [row for seed in SEEDS for row in run(world, seed, USERS) if row["model"] == model]
    for figure in FIGURES:
        of_mean = find(model, rows, figure).of_mean
        assert len(of_mean.channels) == 8
        assert holds(of_mean), (figure, of_mean.mean)
        low, _ = bounds(len(SEEDS), ALARM / 8)
        assert of_mean.lowest[0] >= low, (figure, of_mean.lowest)


# --- computation of coverage ----------------------------------------------------------------------


def made_rows(seeds=60, width=1.96, world="linear", model="linear", users=USERS, seed=0):
    """Return rows of normal estimates, with intervals of so many standard deviations each way."""
    rng = np.random.default_rng(seed)
    spread = np.array([10.0, 5.0, 2.0])
    rows = []
    for number in range(seeds):
        point = np.array([400.0, 100.0, 9.0]) * users / USERS + spread * rng.normal(size=3)
        own = [x.tolist() for x in (point, point - width * spread, point + width * spread)]
        figures = dict.fromkeys(FIGURES, own)
        head = {"world": world, "seed": number, "users": users, "model": model}
        rows.append({**head, "channels": ["email", "search", "video"], **figures})
    return rows


def all_rows(seeds=2, users=USERS):
    """Return made rows of every model of one world."""
    [true, others] = STUDIED["linear"]
    return [
        row for model in (*true, *others) for row in made_rows(seeds, 3.0, model=model, users=users)
    ]


def test_bounds_separate_right_intervals_from_wrong_ones():
    for width, right in ((1.4, False), (1.96, True), (3.2, False)):
        rows = made_rows(240, width)  # two channels count: as many intervals as in the test above
        assert holds(find("linear", rows, "share").of_mean) == right


def test_coverage_refers_to_the_mean_of_the_other_seeds():
    rows = made_rows(width=1.0)
    found = find("linear", rows, "value")
    for place, channel in enumerate(["email", "search"]):
        for number, row in enumerate(rows):
            _, low, high = (numbers[place] for numbers in row["value"])
            others = [r["value"][0][place] for r in rows if r is not row]
            held = low <= np.mean(others) <= high
            assert found.of_mean.held[number, place] == held, channel
    by_seed = found.of_mean.held.mean(axis=1)
    assert found.of_mean.mean == pytest.approx(by_seed.mean())
    assert found.of_mean.error == pytest.approx(by_seed.std(ddof=1) / np.sqrt(60))


def test_channels_with_few_conversions_are_left_out():
    found = find("linear", made_rows(), "share")
    assert list(found.of_mean.channels) == ["email", "search"]
    assert found.left_out == ["video"]


def test_width_is_relative_to_the_estimate():
    rows = made_rows(seeds=2000)
    expected = np.mean([2 * 1.96 * 10 / 400, 2 * 1.96 * 5 / 100])
    assert find("linear", rows, "conversions").estimates.width == pytest.approx(expected, rel=0.01)


def test_the_limit_is_scaled_to_the_number_of_users():
    head = {"world": "linear", "channels": ["email"]}
    large = [{**head, "conversions": [[x * 40_000.0]], "share": [[x * 0.25]]} for x in (0.9, 1.1)]
    assert limit(large, "conversions", LIMIT_USERS // 10) == {"email": pytest.approx(4_000)}
    assert limit(large, "share", LIMIT_USERS // 10) == {"email": pytest.approx(0.25)}


def test_intervals_may_cover_the_mean_and_not_the_limit():
    large = made_rows(seeds=2, users=LIMIT_USERS)
    assert find("linear", made_rows(), "value", large, USERS).of_limit.mean > 0.9
    assert find("linear", made_rows(), "value", large, 2 * USERS).of_limit.mean == 0


def test_a_channel_missing_in_a_seed_has_no_credit_there():
    rows = made_rows(seeds=3)
    lacking = {figure: [[400.0], [380.0], [420.0]] for figure in FIGURES}
    rows[1] = {**rows[1], "channels": ["email"], **lacking}
    point = find("linear", rows, "conversions").estimates.point
    assert point[1, 1] == 0
    assert point[0, 1] > 0


def test_only_complete_seeds_of_the_requested_size_are_read(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = all_rows(seeds=2)
    append(path, rows[:-1])  # the second seed lacks a model
    append(path, all_rows(seeds=3, users=LIMIT_USERS))
    assert list(read(path, USERS)) == [("linear", 0)]
    assert len(read(path, LIMIT_USERS)) == 3
    [own] = read(path, USERS).values()
    assert [row["model"] for row in own] == ["linear", "markov_1"]


def test_tables_show_every_world_that_was_run(tmp_path):
    path = tmp_path / "rows.jsonl"
    append(path, all_rows(seeds=2))
    append(path, all_rows(seeds=2, users=LIMIT_USERS))
    text = tables(findings(read(path, USERS), read(path, LIMIT_USERS), USERS), USERS)
    assert "### `linear`" in text
    assert "### `hazard`" not in text
    assert "2 seeds." in text
    assert "| true | conversions | 100.0 ± 0.0 | 100.0 ± 0.0 |" in text
    assert "| **`linear`** | value | 100.0 ± 0.0 | 100.0 email | 100.0 ± 0.0 |" in text
    assert "| `markov_1` | share |" in text
    assert "`linear` credits fewer than 20 conversions to video." in text


def test_tables_work_without_the_large_worlds(tmp_path):
    path = tmp_path / "rows.jsonl"
    append(path, all_rows(seeds=2))
    text = tables(findings(read(path, USERS), {}, USERS), USERS)
    assert "| true | conversions | 100.0 ± 0.0 | – |" in text
    assert "| 100.0 email | – | – |" in text


def test_one_seed_is_too_few_for_a_table(tmp_path):
    path = tmp_path / "rows.jsonl"
    append(path, all_rows(seeds=1))
    assert findings(read(path, USERS), {}, USERS) == []


def test_a_run_returns_a_row_with_bounds_for_each_model():
    rows = run("linear", 3000, 2_000)
    assert [row["model"] for row in rows] == ["linear", "markov_1"]
    for row in rows:
        assert len(row["channels"]) == 8
        for figure in FIGURES:
            point, low, high = np.array(row[figure])
            assert (low <= high).all()
            assert ((low <= point) & (point <= high)).mean() > 0.7
        assert sum(row["share"][0]) == pytest.approx(1)
    totals = [sum(row["conversions"][0]) for row in rows]
    assert totals[0] == pytest.approx(totals[1])


def test_the_number_of_users_is_drawn_for_each_seed(monkeypatch):
    options = []

    def simulate(world, users, seed, variant):
        assert variant is None
        options.append(users)
        raise InterruptedError

    monkeypatch.setattr(credit_coverage, "simulate", simulate)
    for seed in range(500):
        with pytest.raises(InterruptedError):
            run("linear", seed, USERS)
    assert np.mean(options) == pytest.approx(USERS, abs=4 * np.sqrt(USERS / 500))
    assert np.var(options) == pytest.approx(USERS, rel=4 * np.sqrt(2 / 500))


def test_accounts_are_drawn_as_a_whole(monkeypatch):
    options = []

    def simulate(world, users, seed, variant):
        assert (world, variant) == ("linear", "accounts")
        options.append(users)
        raise InterruptedError

    monkeypatch.setattr(credit_coverage, "simulate", simulate)
    for seed in range(500):
        with pytest.raises(InterruptedError):
            run("linear/accounts", seed, USERS)
    accounts = np.array(options) / 5
    assert (accounts == accounts.astype(int)).all()
    assert np.mean(accounts) == pytest.approx(USERS / 5, abs=4 * np.sqrt(USERS / 5 / 500))
    assert np.var(accounts) == pytest.approx(USERS / 5, rel=4 * np.sqrt(2 / 500))
