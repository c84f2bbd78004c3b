"""Hypotheses of the single-truth worlds: valid probabilities and complete parameters."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lydite.simulation import WORLDS
from lydite.simulation import _probabilities as probabilities
from lydite.simulation._hypotheses import HAZARD, HYPOTHESES
from lydite.simulation._paths import CHANNELS, START
from tests.helpers.made_simulation_paths import DAY, path


@pytest.mark.parametrize("world", HYPOTHESES)
def test_probabilities_are_between_0_and_1_and_claims_are_sentences(world):
    hypothesis = HYPOTHESES[world]
    for channels in (["search"], ["email", "video"], ["social", "direct", "display", "email"]):
        assert 0 < hypothesis.process.probability(path(*channels), np.array([DAY]))[0] < 1
    assert hypothesis.claim.endswith(".")
    assert WORLDS[world] == hypothesis.claim


@pytest.mark.parametrize("world", HYPOTHESES)
def test_parameters_survive_json(world):
    parameters = HYPOTHESES[world].parameters
    assert parameters
    assert json.loads(json.dumps(parameters, allow_nan=False)) == parameters


def test_rates_are_stored_by_channel_name():
    pairs, triples = (HYPOTHESES[world].parameters["rates"] for world in ("markov_2", "markov_3"))
    places = (*CHANNELS, START)
    for first, by_first in triples.items():
        assert set(by_first) == {*CHANNELS, START} if first == START else set(CHANNELS)
        for before, rates in by_first.items():
            row = probabilities.TRIPLE_RATES[places.index(first), places.index(before)]
            assert list(rates.values()) == row.tolist()
            assert list(rates) == list(CHANNELS)
    assert [list(rates.values()) for rates in pairs.values()] == probabilities.PAIR_RATES.tolist()
    assert tuple(pairs) == tuple(triples) == places


def test_the_hazard_is_stored_per_hour():
    parameters = HYPOTHESES["hazard"].parameters
    assert set(parameters) == {"baseline_per_hour", "hazard_per_hour", "half_life_hours"}
    assert tuple(parameters["hazard_per_hour"].values()) == HAZARD.hazard_per_hour
    assert min(HAZARD.hazard_per_hour) > 0
