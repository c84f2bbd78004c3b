"""The true model is not refuted, and without channel effects no model is better than volume."""

from __future__ import annotations

import pytest

from studies.worlds_and_models import TRUE_MODEL, run

pytestmark = pytest.mark.slow

# Seeds of this test, other than those of the study.
SEEDS = (3001, 3002)
USERS = 20_000


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("world", [world for world, model in TRUE_MODEL.items() if model])
def test_the_true_model_is_not_refuted(world, seed):
    rows = {row["model"]: row for row in run(world, seed, USERS)}
    truth = rows[TRUE_MODEL[world]]
    assert truth["refuted_by"] is None
    assert truth["above_null"]
    assert "refuted" in {row["verdict"] for row in rows.values()}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("world", [world for world, model in TRUE_MODEL.items() if not model])
def test_without_channel_effects_no_model_is_better_than_touch_volume(world, seed):
    rows = run(world, seed, USERS)
    assert not {row["verdict"] for row in rows} & {"best", "contender"}
    assert not any(row["above_null"] for row in rows)
