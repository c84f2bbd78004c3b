"""What DuckDB alone has is refused on Spark with one message, and docs/scale.md lists it."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from lydite import pipeline
from lydite.errors import InputError
from lydite.pipeline.on_spark import refuse_on_spark
from lydite.settings import parse_settings

SCALE = (Path(__file__).resolve().parents[2] / "docs/scale.md").read_text(encoding="utf-8")
HOLDOUT = {
    "channel": "email", "hypothesis": "E-mail brings purchases.", "outcome": "purchase",
    "window": "7d", "smallest_effect": 0.2, "planned_users": 2_000,
}  # fmt: skip
# The names in the table of docs/scale.md: settings that need DuckDB, and a part of the message.
CASES = {
    "other_lookbacks": (
        {"evaluation": {"lookback": "30d", "other_lookbacks": ["7d"]}},
        "other_lookbacks need DuckDB: run each lookback alone",
    ),
    "erasures": ({"sources": {"erasures": "lake.erasures"}}, "erasures need DuckDB: delete"),
}


def settings_of(values):
    sources = {"touchpoints": "lake.touches", "conversions": "lake.orders"}
    return parse_settings({**values, "sources": sources | values.get("sources", {})}, "settings")


def listed():
    """Return the names in the table of what needs DuckDB."""
    table = re.search(r"^## Only with DuckDB\n(.*?)^## ", SCALE, re.DOTALL | re.MULTILINE)[1]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}


@pytest.mark.parametrize("name", CASES)
def test_each_is_refused_with_one_message(name):
    values, words = CASES[name]
    with pytest.raises(InputError) as error:
        refuse_on_spark(settings_of(values))
    assert words in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_the_list_of_the_docs_is_complete():
    assert listed() == {*CASES, "select", "database"}  # sources: tests/inputs/test_spark_sources.py


def test_everything_that_needs_duckdb_is_named_at_once():
    values = {"evaluation": {"other_lookbacks": ["7d"]}}
    with pytest.raises(InputError) as error:
        refuse_on_spark(settings_of(values), ["erasures"])
    assert len(str(error.value).splitlines()) == 2


def test_other_settings_run_on_spark():
    refuse_on_spark(
        settings_of(
            {
                "timezone": "Europe/Berlin",
                "people": {"unit": "account"},
                "experiments": {"email": HOLDOUT},
                "evaluation": {"click_priority": True},
                "outcomes": {
                    "lead": {"first_only": True, "after_conversion": "restart"},
                    "sale": {"exclude_channels": ["tv"], "merge_channels": {"a": ["b"]}},
                },
                "channels": {
                    "direct": ["none"],
                    "mapping": "map.csv",
                    "exclude_referrals": ["shop.example"],
                },
            }
        ),
        ["spend", "users", "identities", "experiments"],
    )


@pytest.mark.parametrize("step", [pipeline.run, pipeline.attribute])
def test_a_run_is_refused_before_anything_is_read(step):
    settings = settings_of({"evaluation": {"other_lookbacks": ["7d"]}})
    with pytest.raises(InputError, match="other_lookbacks"):
        step(SimpleNamespace(), {"touchpoints": pl.DataFrame()}, settings)
