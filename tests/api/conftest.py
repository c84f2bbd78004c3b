"""A simulated world, and a comparison of two models in it."""

from __future__ import annotations

import pytest

import lydite
from lydite.simulation import simulate

MODELS = ["linear", "last_touch"]


@pytest.fixture(scope="module")
def world():
    return simulate("linear", users=4_000, seed=5)


@pytest.fixture(scope="module")
def result(world):
    return lydite.compare(world.touchpoints, world.conversions, models=MODELS)
