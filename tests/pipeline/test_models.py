"""Tests of which models can run."""

from __future__ import annotations

import pytest

from lydite import pipeline
from lydite.errors import InputError
from lydite.models import make_models


def test_models_that_cannot_run_are_left_out_unless_required(engine):
    names = [f"channel {n}" for n in range(40)]
    engine.create("journeys.channels", f"select unnest({names}) as channel, 0 as channel_key")
    models = make_models(["linear", "shapley"])
    usable = pipeline.usable_models(engine, models, required=False)
    assert [model.name for model in usable] == ["linear"]
    [(name, reason)] = engine.rows("from evaluation.left_out")
    assert name == "shapley"
    with pytest.raises(InputError) as error:
        pipeline.usable_models(engine, models, required=True)
    assert str(error.value) == reason
