"""Names of direct traffic, in Python and in SQL."""

from __future__ import annotations

import pytest

from lydite.engine import DuckDBEngine
from lydite.engine.dialect import translate
from lydite.journeys.direct import DIRECT_NAMES, is_direct, note_on_direct, sql_parameters

DIRECT = [
    "direct", "Direct", "(direct)", "(none)", "(direct) / (none)", "direct / none",
    "(direct)/(none)", "Direct Entry", "DIRECT_TRAFFIC", "Direct traffic", "direct-traffic",
    "typed/bookmarked", "Typed / Bookmarked", "Direct Load", "direct  access",
    "DİRECT", "direct\u00a0/\u00a0none", "$direct",
]  # fmt: skip
OTHER = [
    "google / organic", "direct mail", "direct_mail", "Directory", "indirect", "email", "redirect",
    "none of these", "", " / ", "%", "di%ct", "none, direct mail", "direct é", ",direct,email,",
]  # fmt: skip


@pytest.mark.parametrize("name", DIRECT)
def test_direct_names(name):
    assert is_direct(name)


@pytest.mark.parametrize("name", OTHER)
def test_other_names(name):
    assert not is_direct(name)


def test_sql_knows_the_same_names():
    names = [*DIRECT, *OTHER, *DIRECT_NAMES]
    with DuckDBEngine(threads=1) as engine:
        engine.run("create schema inputs")
        engine.run(
            "create table inputs.touchpoints as select unnest($names) as channel,"
            " timestamp '2026-01-01' as touched_at, 'u' as user_id, null as campaign,"
            " null as interaction, null as cost, null as touchpoint_id",
            {"names": names},
        )
        engine.create("journeys.channels", "journeys/channels", sql_parameters())
        found = dict(engine.rows("select channel, is_direct from journeys.channels"))
    assert found == {name: is_direct(name) for name in names}


def test_spark_can_run_the_expression():
    sql = (
        "select $direct_names like '%,' || regexp_replace(lower(a), $punctuation, '', 'g') || ',%'"
    )
    assert "REGEXP_REPLACE" in translate(sql + " from t", sql_parameters())


def test_the_note_names_what_is_not_just_direct():
    assert note_on_direct(["Direct"]) is None
    assert note_on_direct([]) is None
    text = note_on_direct({"Direct Entry", "(direct) / (none)"})
    assert text.endswith("'(direct) / (none)', 'Direct Entry'")
