"""The study of experiments as referee, on small worlds and made rows."""

from __future__ import annotations

import pytest

from studies import referee

TRUTH = {"brand": 2.0, "social": 90.0}


def row_of(model, credit, *, kind="storefront", seed=1, **changes):
    """Return a row of a run."""
    row = {
        "kind": kind, "seed": seed, "model": model, "verdict": "contradicted", "p_value": 0.0,
        "hypothesis_verdict": "uninformative", "hypothesis_p_value": 0.5, "rank": 1,
        "distance_to_truth": referee._distance(credit, TRUTH), "explained": 0.1,
        "commit": "abc",
    }  # fmt: skip
    return row | changes


RIGHT = row_of("linear", {"brand": 10.0, "social": 80.0})
FITS_BEST = row_of("last_touch", {"brand": 60.0, "social": 40.0}, rank=2, explained=0.2)


def test_the_closest_model_that_is_not_contradicted_is_named():
    stands = FITS_BEST | {"verdict": "uninformative"}
    assert referee.named([RIGHT, FITS_BEST])["model"] == "linear"
    assert referee.named([RIGHT, stands])["model"] == "last_touch"


def test_the_tables_count_runs_and_true_models():
    true = row_of("linear", TRUTH, kind="linear", hypothesis_p_value=0.04)
    tiny = row_of("linear", TRUTH, kind="tiny", verdict="uninformative")
    found = referee.tables([RIGHT, FITS_BEST, true, tiny])
    assert "| experiments name the model whose credit is nearest the truth | 1 of 1 |" in found
    assert "| forecasts prefer another model | 1 of 1 |" in found
    assert "| tiny experiments: the verdict on a model is uninformative | 1 of 1 |" in found
    assert "| linear | 1 of 1 | 0 of 1 | 0.8% |" in found


def test_rows_have_all_models_and_the_truth():
    kind = referee.Kind("storefront", 600, ("paid_search_brand",), 91)
    made = referee.simulate(kind, 1, kind.experiments)
    truth = referee.true_increments(kind, 1, made)
    assert set(truth) == {"paid_search_brand"}
    assert abs(truth["paid_search_brand"]) <= referee._conversions(kind, made, "paid_search_brand")


def test_every_true_model_is_compared():
    kinds = referee.KINDS.values()
    assert {kind.true_model for kind in kinds} - {None} <= set(referee.MODELS)
    assert referee._distance({"a": 3.0, "b": 0.0}, {"a": 0.0, "b": 4.0}) == pytest.approx(
        (25 / 2) ** 0.5
    )
