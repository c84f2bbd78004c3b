"""The assets of the sample and of the backtest scores."""

import pytest

from tests.dagster.conftest import MODELS


@pytest.mark.parametrize("model", [*MODELS, "base_rate", "touch_volume", "ceiling"])
def test_every_model_has_scores(run, model):
    metadata = run.metadata(f"models/{model}")
    assert metadata["dagster/row_count"] > 0
    assert metadata["table"] == "ledger.scores"


def test_a_model_states_its_claim_and_has_its_fingerprint_as_code_version(definitions):
    specs = {"/".join(spec.key.path): spec for spec in definitions.resolve_all_asset_specs()}
    spec = specs["models/linear"]
    assert "every touch of the path alike" in spec.description
    assert len(spec.code_version) == 12


def test_the_sample_has_landmarks(run):
    assert run.metadata("evaluation/landmarks")["dagster/row_count"] > 0
