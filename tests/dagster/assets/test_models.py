"""The assets of the sample and of the backtest scores."""

import pytest

from lydite.dagster.assets.models import _chosen
from lydite.errors import InputError
from tests.dagster.conftest import MODELS


@pytest.mark.parametrize("model", [*MODELS, "base_rate", "touch_volume", "ceiling"])
def test_every_model_has_scores(run, model):
    metadata = run.metadata("ledger/scores")
    assert metadata["dagster/row_count"] > 0
    [row] = [line for line in metadata["models"].splitlines() if line.startswith(f"| {model} |")]
    assert int(row.split("|")[4]) > 0
    assert metadata["left_out"] == []


def test_the_scores_name_the_models_their_claims_and_a_version_of_all(definitions):
    specs = {"/".join(spec.key.path): spec for spec in definitions.resolve_all_asset_specs()}
    spec = specs["ledger/scores"]
    assert "linear" in spec.description
    assert "every touch of the path alike" in spec.metadata["claims"]["linear"]
    assert len(spec.code_version) == 12


def test_only_models_that_exist_are_backtested():
    assert _chosen([], MODELS) is None
    assert _chosen(["linear"], MODELS) == ["linear"]
    with pytest.raises(InputError, match="there is no model 'linaer'; there are: last_touch"):
        _chosen(["linaer"], MODELS)


def test_the_sample_has_landmarks(run):
    assert run.metadata("evaluation/landmarks")["dagster/row_count"] > 0
