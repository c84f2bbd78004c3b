"""Settings from files, values and options."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from lydite.errors import InputError
from lydite.settings import load_settings, parse_settings
from tests.helpers.settings import SOURCES


def test_little_is_enough(load):
    settings = load(SOURCES)
    assert settings.sources.present() == {"touchpoints": "t.parquet", "conversions": "c.parquet"}
    assert settings.models == ()
    assert settings.evaluation.alpha == 0.05
    assert settings.lookbacks(["lead", "purchase"]) == {
        "lead": timedelta(days=30), "purchase": timedelta(days=30)
    }  # fmt: skip


def test_two_lists_of_models_are_refused(load):
    with pytest.raises(InputError, match="not in both"):
        load('models = ["linear"]\n' + SOURCES + '[[models]]\nname = "mine"\nrule = "1"\n')


@pytest.mark.parametrize(
    ("text", "line"), [("[sources\n", 1), (SOURCES + "alpha = \n", 4), ('a = "x\n', 1)]
)
def test_invalid_toml_names_the_line(load, text, line):
    with pytest.raises(InputError, match=rf"lydite\.toml is not valid TOML: .*line {line},"):
        load(text)


def test_a_file_that_is_not_there_or_not_readable(tmp_path):
    with pytest.raises(InputError, match=r"there is no settings file .*none\.toml"):
        load_settings(tmp_path / "none.toml")
    with pytest.raises(InputError, match="cannot be read"):
        load_settings(tmp_path)
    path = tmp_path / "latin.toml"
    path.write_bytes("# für\n".encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8"):
        load_settings(path)


def test_the_settings_of_this_project_are_right():
    settings = load_settings(Path(__file__).parents[2] / "lydite.toml")
    assert not settings.chooses_models
    assert settings.experiments["email_subject"].outcome == "click"


def test_settings_as_plain_values_are_refused_as_those_of_a_file_are():
    values = {"sources": {"touchpoints": "t.csv"}, "evaluation": {"alpha": 7}}
    with pytest.raises(InputError) as caught:
        parse_settings(values, "defs.yaml")
    missing, wrong = str(caught.value).splitlines()
    assert missing == "defs.yaml: sources.conversions: this setting is required; add it"
    assert wrong.startswith("defs.yaml: evaluation.alpha = 7: ")
