"""Settings of outcomes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from lydite.errors import InputError
from lydite.settings import Completeness, DeclaredEnds
from tests.helpers.settings import SOURCES


def test_the_end_of_the_data_is_declared_for_all_outcomes_or_for_one(load):
    settings = load(
        SOURCES + '[evaluation]\nas_of = "2026-03-01"\n[outcomes.lead]\ndelivery_delay = "2d"\n'
        "[outcomes.sale]\nas_of = 2026-04-01T06:00:00+02:00\n[outcomes.trial]\n"
    )
    first, second = datetime(2026, 3, 1), datetime(2026, 4, 1, 4)
    assert settings.completeness(["lead", "sale", "trial"]) == {
        "lead": Completeness(delivery_delay=timedelta(days=2)),
        "sale": Completeness(as_of=second),
        "trial": Completeness(as_of=first),
    }
    assert settings.declared_ends() == DeclaredEnds(second, first, {"sale": second})
    assert settings.lookbacks(["lead", "sale", "trial"])["sale"] == timedelta(days=30)


def test_touchpoints_end_only_where_all_outcomes_do(load):
    one = SOURCES + "[outcomes.lead]\nas_of = 2026-03-01\n"
    assert load(one).declared_ends().touchpoints == datetime(2026, 3, 1)
    assert load(one + "[outcomes.sale]\n").declared_ends() == DeclaredEnds(
        None, None, {"lead": datetime(2026, 3, 1)}
    )
    assert load(SOURCES).declared_ends() == DeclaredEnds()


def test_outcomes_may_have_their_own_lookback(load):
    text = SOURCES + '[evaluation]\nlookback = "4w"\n[outcomes.lead]\nlookback = "12h"\n'
    settings = load(text)
    assert settings.lookbacks(["lead", "purchase"]) == {"lead": timedelta(hours=12)}
    with pytest.raises(InputError, match=r"no outcome 'lead'.*they hold: purchase, signup"):
        settings.lookbacks(["purchase", "signup"])


def test_scores_depend_on_what_is_on_paths(load):
    text = (
        SOURCES + '[outcomes.lead]\nafter_conversion = "restart"\n'
        '[outcomes.sale]\nfirst_only = true\nexclude_channels = ["Direct "]\n'
        'lookback_by_interaction = {impression = "1d"}\n'
    )
    options = load(text).path_options(["lead", "sale"])
    assert not options["lead"].definition
    assert options["sale"].definition == (
        "continue, first_only, without direct, impression 1d, others 30d"
    )


@pytest.mark.parametrize("lists", ['exclude_channels = ["A", "a "]', "merge_channels = {b = []}"])
def test_channels_are_named_once(load, lists):
    with pytest.raises(InputError, match=r"outcomes\.lead.*(named twice|is empty)"):
        load(SOURCES + f"[outcomes.lead]\n{lists}\n")
