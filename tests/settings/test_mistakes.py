"""Error messages name the dotted key and what to do."""

from __future__ import annotations

import pytest

from lydite.errors import InputError
from tests.helpers.settings import SOURCES


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SOURCES + "[evaluation]\nalpa = 0.1\n", "evaluation.alpa = 0.1: there is no such"),
        (SOURCES + "[storge]\n", "storge: there is no such setting"),
        (SOURCES + 'user = "u"\n', "sources.user = 'u': there is no such setting"),
        ('[sources]\ntouchpoints = "t"\n', "sources.conversions: this setting is required"),
        ('[sources]\nconversions = "c"\n', "sources.touchpoints: this setting is required"),
        (
            '[sources]\npaths = "p"\nusers = "u"\n',
            "sources: paths and users cannot be combined: remove one of them",
        ),
        (
            SOURCES + '[evaluation]\nalpha = "much"\n',
            "evaluation.alpha = 'much': Input should be a valid",
        ),
        (
            SOURCES + "[evaluation]\n\nalpha = 0.7\n",
            "evaluation.alpha = 0.7: Input should be less than",
        ),
        (SOURCES + '[evaluation]\nlookback = "30 moons"\n', "evaluation.lookback = '30 moons'"),
        (SOURCES + "[evaluation]\nlookback = 30\n", "evaluation.lookback = 30: write it in quotes"),
        (SOURCES + '[evaluation]\nlookback = "0d"\n', "evaluation.lookback = '0d'"),
        (SOURCES + '[outcomes.lead]\nlookback = "x"\n', "outcomes.lead.lookback = 'x'"),
        (SOURCES + '[outcomes]\nlead = {lookback = "x"}\n', "outcomes.lead.lookback = 'x'"),
        (SOURCES + '[outcomes]\nlead.lookback = "x"\n', "outcomes.lead.lookback = 'x'"),
        (SOURCES + '[outcomes."web lead"]\nlookback = "x"\n', "outcomes.web lead.lookback"),
        (
            SOURCES + '[evaluation]\nperiod = "year"\n',
            "evaluation.period = 'year': Input should be 'day', 'week' or 'month'",
        ),
        (
            SOURCES + '[[models]]\nname = "linear"\n[[models]]\n',
            "models.2.name: this setting is required",
        ),
        (
            'models = ["linear", "linear"]\n' + SOURCES,
            "models.2 = 'linear': model 'linear' is named twice",
        ),
        (
            'models = [\n"linear",\n"markov_1",\n"linear"\n]\n' + SOURCES,
            "models.3 = 'linear': model",
        ),
        (
            SOURCES + '[[models]]\nname="linear"\n' * 2,
            "models.2 = 'linear': model 'linear' is named twice; remove one",
        ),
        ("models = 3\n" + SOURCES, "models = 3: Input should be a valid tuple"),
        (
            SOURCES + "[engine]\nthreads = 0\n",
            "engine.threads = 0: Input should be greater than or equal to 1",
        ),
        (
            SOURCES + '[engine]\nname = "sparc"\n',
            "engine.name = 'sparc': Input should be 'duckdb' or 'spark'",
        ),
        (
            SOURCES + "[engine.spark]\nmaster = 2\n",
            "engine.spark.master = 2: Input should be a valid string",
        ),
    ],
)
def test_a_mistake_names_its_key_and_what_is_wrong(load, text, words):
    with pytest.raises(InputError) as error:
        load(text)
    message = str(error.value)
    assert "\n" not in message
    assert f"lydite.toml: {words}" in message


def test_several_mistakes_are_named_at_once(load):
    with pytest.raises(InputError) as error:
        load('[sources]\ntouchpoints = "t"\n[evaluation]\nalpha = 7\nseed = -1\n')
    keys = [line.split(": ")[1].split(" ")[0] for line in str(error.value).splitlines()]
    assert keys == ["sources.conversions", "evaluation.alpha", "evaluation.seed"]


def test_without_sources_it_says_so(load):
    with pytest.raises(InputError, match=r"lydite\.toml: sources: this setting is required"):
        load("")
