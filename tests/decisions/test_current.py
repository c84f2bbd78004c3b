"""The marts of the last run with the decisions of today."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lydite.decisions import with_log
from lydite.errors import InputError
from tests.helpers.made_comparisons import BEST, make_comparison
from tests.helpers.made_decisions import DECISION, EVENTS, compare_with_decisions

LOG = Path("decisions.jsonl")
SECOND = replace(DECISION, number=2, to_model="time_decay", from_model="linear", reason="cheaper")


def test_a_new_decision_changes_champion_credit_and_timeline():
    before = compare_with_decisions(BEST, DECISION).marts
    marts = with_log(before, LOG, [DECISION, SECOND])
    assert marts["champions"]["model"].to_list() == ["time_decay"]
    credit = marts["channel_credit"]
    assert set(credit.filter(credit["is_champion"])["model"]) == {"time_decay"}
    assert credit.columns == before["channel_credit"].columns
    assert marts["decisions"]["number"].to_list() == [1, 2]
    timeline = marts["timeline"]
    assert timeline["number"].to_list() == list(range(1, len(EVENTS) + 2))
    last = timeline.row(-1, named=True)
    assert (last["event"], last["model"], last["text"]) == ("decision", "time_decay", "cheaper")


def test_without_new_decisions_nothing_is_added():
    before = compare_with_decisions(BEST, DECISION).marts
    marts = with_log(before, LOG, [DECISION])
    assert marts["timeline"].equals(before["timeline"])
    assert marts["champions"].equals(before["champions"])


def test_a_decision_that_is_gone_is_an_error():
    with pytest.raises(InputError, match="no longer holds decision 1"):
        with_log(compare_with_decisions(BEST, DECISION).marts, LOG, [])


def test_marts_of_an_earlier_version_stay_as_they_are():
    marts = make_comparison().marts
    assert with_log(marts, LOG, [DECISION]) == dict(marts)
