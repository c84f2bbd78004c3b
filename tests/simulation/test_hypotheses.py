"""The single truths: complete, and told in full."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lydite.simulation import WORLDS
from lydite.simulation import _probabilities as chances
from lydite.simulation._hypotheses import HAZARD, TRUTHS
from lydite.simulation._paths import CHANNELS, START
from tests.helpers.made_simulation_paths import DAY, path


@pytest.mark.parametrize("world", TRUTHS)
def test_chances_are_chances_and_claims_are_sentences(world):
    truth = TRUTHS[world]
    for channels in (["search"], ["email", "video"], ["social", "direct", "display", "email"]):
        assert 0 < truth.law.probability(path(*channels), np.array([DAY]))[0] < 1
    assert truth.claim.endswith(".")
    assert WORLDS[world] == truth.claim


@pytest.mark.parametrize("world", TRUTHS)
def test_parameters_can_be_stored(world):
    parameters = TRUTHS[world].parameters
    assert parameters
    assert json.loads(json.dumps(parameters, allow_nan=False)) == parameters


def test_rate_tables_are_told_by_name():
    pairs, triples = (TRUTHS[world].parameters["rates"] for world in ("markov_2", "markov_3"))
    places = (*CHANNELS, START)
    for first, by_first in triples.items():
        assert set(by_first) == {*CHANNELS, START} if first == START else set(CHANNELS)
        for before, rates in by_first.items():
            row = chances.TRIPLE_RATES[places.index(first), places.index(before)]
            assert list(rates.values()) == row.tolist()
            assert list(rates) == list(CHANNELS)
    assert [list(rates.values()) for rates in pairs.values()] == chances.PAIR_RATES.tolist()
    assert tuple(pairs) == tuple(triples) == places


def test_the_hazard_is_told_by_the_hour():
    parameters = TRUTHS["hazard"].parameters
    assert set(parameters) == {"baseline_per_hour", "hazard_per_hour", "half_life_hours"}
    assert tuple(parameters["hazard_per_hour"].values()) == HAZARD.hazard_per_hour
    assert min(HAZARD.hazard_per_hour) > 0
