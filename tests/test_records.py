"""Types of plain data: they have exactly the keys that results have."""

from typing import get_type_hints

import polars as pl
import pytest

import lydite
from lydite import records
from lydite.simulation import simulate


def keys(record: type) -> set[str]:
    """Return the keys that a record must have."""
    return set(record.__required_keys__)


@pytest.fixture(scope="module")
def compared() -> lydite.Comparison:
    world = simulate("linear", users=2_000, seed=1)
    return lydite.compare(world.touchpoints, world.conversions, models=["linear", "markov_1"])


def test_a_comparison_has_the_keys_of_its_records(compared):
    record = compared.to_dict()
    outcome = record["outcomes"]["conversion"]
    assert set(record) == keys(records.ComparisonRecord)
    assert set(outcome) == keys(records.OutcomeRecord) | {"champion"}
    assert set(outcome["champion"]) == keys(records.ChampionRecord)
    assert set(outcome["models"][0]) == keys(records.ModelRecord)
    assert set(outcome["credit"][0]) == keys(records.ComparedCredit)
    assert set(compared.outcomes[0]) == keys(records.OutcomeCounts)


def test_the_outcome_of_a_path_table_has_the_same_keys():
    world = simulate("linear", users=2_000, seed=1)
    channels = world.touchpoints["channel"].cast(str).to_list()[:400]
    paths = {"path": channels, "conversions": [1] * 400, "nulls": [2] * 400}
    compared = lydite.compare(paths=pl.DataFrame(paths), models=["linear", "first_touch"])
    assert set(compared.outcomes[0]) == keys(records.OutcomeCounts)


def test_credit_has_the_keys_of_its_records():
    paths = pl.DataFrame({"path": ["a > b", "b"], "conversions": [3, 1], "nulls": [1, 2]})
    record = lydite.credit(paths, models=["markov_1"], intervals=False).to_dict()
    assert set(record) == keys(records.CreditRecord)
    assert set(record["credit"][0]) == keys(records.PathCreditRecord)
    assert set(record["transitions"][0]) == keys(records.TransitionRecord)


def test_credit_of_touchpoints_has_the_keys_of_its_records():
    world = simulate("linear", users=500, seed=1)
    record = lydite.credit(
        touchpoints=world.touchpoints, conversions=world.conversions, models=["markov_1"]
    ).to_dict()
    assert set(record) == keys(records.CreditRecord)
    assert set(record["credit"][0]) == keys(records.OutcomeCreditRecord)
    assert set(record["transitions"][0]) == keys(records.TransitionRecord) | {"outcome"}


def test_all_types_can_be_resolved():
    for name in ("ComparisonRecord", "CreditRecord", "OutcomeRecord", "WarningRecord"):
        assert get_type_hints(getattr(records, name))
