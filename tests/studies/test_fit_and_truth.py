"""The share of misplaced credit, its correlation with fit, and the table of the study."""

from __future__ import annotations

import pytest

from lydite.models import DEFAULT_MODELS
from studies.fit_and_truth import correlation, misplaced, read, run, table
from studies.resumable import append


@pytest.mark.parametrize(
    ("credit", "increments", "share"),
    [
        ({"a": 2.0, "b": 6.0}, {"a": 1.0, "b": 3.0}, 0.0),
        ({"a": 4.0}, {"b": 1.0}, 1.0),
        ({"a": 1.0, "b": 1.0}, {"a": 1.0, "b": 0.0}, 0.5),
        ({"a": 1.0, "b": 1.0}, {"a": 1.0, "b": -5.0}, 0.5),
    ],
)
def test_misplaced_credit_is_the_distance_of_the_shares(credit, increments, share):
    assert misplaced(credit, increments) == pytest.approx(share)


def _rows(seed, sign):
    return [
        {"seed": seed, "users": 10, "model": name, "explained": place, "stands": True,
         "misplaced": 0.5 + sign * place / 100}
        for place, name in enumerate(DEFAULT_MODELS)
    ]  # fmt: skip


def test_a_better_fit_with_more_misplaced_credit_is_a_negative_correlation():
    assert correlation(_rows(1, 1)) == pytest.approx(-1)
    assert correlation(_rows(1, -1)) == pytest.approx(1)


def test_the_table_counts_finished_seeds(tmp_path):
    file = tmp_path / "rows.jsonl"
    append(file, [*_rows(1, 1), *_rows(2, -1), *_rows(3, 1)[:4]])
    done = read(file, 10)
    assert list(done) == [1, 2]
    text = table(done, 10)
    assert f"| 1 | −1.00 | `{DEFAULT_MODELS[-1]}` | 66 % | `{DEFAULT_MODELS[0]}` | 50 % |" in text
    assert "The correlation is negative in 1 of 2, 0.00 on average." in text


def test_a_small_storefront_has_a_row_for_every_model():
    rows = run(1, 3_000)
    assert [row["model"] for row in rows] == list(DEFAULT_MODELS)
    assert all(0 < row["misplaced"] < 1 for row in rows)
