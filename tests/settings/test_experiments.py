"""Declarations of experiments: defaults, shares, and what is refused."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from lydite.errors import InputError
from lydite.settings import parse_settings

USERS = {
    "channel": "brand search",
    "hypothesis": "Brand search brings purchases.",
    "outcome": "purchase",
    "window": "28d",
    "smallest_effect": 0.05,
    "planned_users": 1_000,
}
REGIONS = {
    "channel": "radio",
    "hypothesis": "Radio brings purchases.",
    "outcome": "purchase",
    "unit": "region",
    "arms": {"control": ["north", "east"], "treated": ["south", "west"]},
    "start": "2026-03-01",
    "end": "2026-03-29",
}


def declared(base=USERS, **changes):
    values = {key: value for key, value in {**base, **changes}.items() if value is not None}
    sources = {"touchpoints": "touchpoints.csv", "conversions": "conversions.csv"}
    settings = parse_settings({"sources": sources, "experiments": {"test": values}}, "lydite.toml")
    return settings.experiments["test"]


def test_defaults():
    found = declared()
    assert found.assigns_users
    assert (found.control, found.treated, found.varies) == ("control", ("treated",), "channel")
    assert found.history == found.window == timedelta(days=28)
    assert found.shares == {"control": 0.5, "treated": 0.5}


def test_arms_are_a_list_or_have_shares():
    assert declared(arms=["control", "a", "b"]).shares["b"] == pytest.approx(1 / 3)
    assert declared(arms={"control": 1, "a": 9}).shares == {"control": 0.1, "a": 0.9}


def test_regions_have_an_arm_and_the_test_a_pre_period_as_long():
    found = declared(REGIONS)
    assert not found.assigns_users
    assert found.regions["west"] == "treated"
    assert found.history == timedelta(days=28)
    assert found.start == datetime(2026, 3, 1)
    assert declared(REGIONS, pre_period="8w").history == timedelta(weeks=8)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"arms": {"a": 1, "b": 2}}, "no control arm 'control'.*the arms are a, b"),
        ({"arms": ["control"]}, "two arms or more"),
        ({"arms": ["control", "a", "a"]}, "named twice"),
        ({"arms": ["control", "a", "A"]}, "'a' and 'A' differ only in case"),
        ({"arms": ["control", "a "]}, "'a ' begins or ends with a blank"),
        ({"arms": {"control": 1, " ": 1}}, "an arm has an empty name"),
        ({"arms": {"control": 0, "a": 1}}, "control needs a share above 0"),
        ({"arms": {"control": 1, "a": ["north"]}}, "all arms shares, or all of them regions"),
        ({"arms": 3}, "list the arms"),
        ({"arms": {"control": ["north"], "a": ["south"]}}, 'need `unit`, such as unit = "region"'),
        ({"window": None}, "`window` is required"),
        ({"window": 28}, r"experiments.test.window = 28: write it in quotes"),
        ({"window": "28"}, "window '28' cannot be read"),
        ({"planned_users": None}, "`planned_users` is required"),
        ({"smallest_effect": None}, "`smallest_effect` is required"),
        ({"smallest_effect": 0}, r"experiments.test.smallest_effect = 0"),
        ({"channel": None}, "name the channel that is held out"),
        ({"spend": 10}, "`spend` is for regions"),
        ({"start": "2026-03-01", "end": "2026-03-01"}, "`end` is not after `start`"),
        ({"outcome": None}, "experiments.test.outcome: this setting is required"),
        ({"hypothesis": None}, "experiments.test.hypothesis: this setting is required"),
        ({"size": 3}, "experiments.test.size = 3: there is no such setting"),
    ],
)
def test_what_is_refused_where_users_are_assigned(changes, says):
    with pytest.raises(InputError, match=says):
        declared(**changes)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"arms": None}, "list the regions of each arm"),
        ({"arms": {"control": ["a"], "b": ["c"], "d": ["e"]}}, "needs two arms"),
        ({"arms": {"control": ["a", "b"], "t": ["b"]}}, "the region 'b' is listed twice"),
        ({"start": None}, "`start` is required"),
        ({"planned_users": 10}, "`planned_users` is for users"),
        ({"pairs": [["north", "south"]]}, "'east' is not in exactly one pair"),
        ({"pairs": [["north", "east"], ["south", "west"]]}, "needs a region of each arm"),
        ({"pairs": [["north", "south"], ["east", "here"]]}, "'west' is not in exactly one pair"),
    ],
)
def test_what_is_refused_where_regions_are_assigned(changes, says):
    with pytest.raises(InputError, match=says):
        declared(REGIONS, **changes)


def test_a_message_needs_no_channel():
    assert declared(channel=None, varies="message").channel is None
