"""Tests of the step that loads the input tables."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.inputs import LoadOptions
from lydite.settings import RuleSettings
from tests.helpers.examples import examples
from tests.helpers.journeys import few_journeys, in_form

LOOKBACKS = {"conversion": timedelta(days=7)}


def test_zones_of_earlier_loads_do_not_count():
    sources = few_journeys(10)
    with DuckDBEngine() as engine:
        for form in ("text", "text with Z", "epoch", "text"):
            given = {
                "touchpoints": in_form(sources["touchpoints"], "touched_at", form),
                "conversions": in_form(sources["conversions"], "converted_at", form),
            }
            pipeline.load_inputs(engine, given)
            pipeline.build_journeys(engine, LOOKBACKS, "week")


# --- no row is lost -------------------------------------------------------------------------------

USERS = st.sampled_from(["ann", "bob", "cid", "", " ", None])
TIMES = st.sampled_from(
    ["2026-01-01 10:00", "2026-01-01 10:00:01", "2026-01-02", "soon", "", None, "2999-01-01"]
)
CHANNELS = st.sampled_from(["tv", "mail", "direct", " ", None])
NUMBERS = st.sampled_from(["1", "1.5", "-2", "€ 3", "nan", "inf", "x", "", None])
IDS = st.sampled_from(["1", "2", None])
TABLES = {
    "touchpoints": {
        "user_id": USERS, "touched_at": TIMES, "channel": CHANNELS, "cost": NUMBERS,
        "touchpoint_id": IDS,
    },
    "conversions": {
        "user_id": USERS, "converted_at": TIMES, "value": NUMBERS, "conversion_id": IDS,
    },
    "spend": {"date": TIMES, "channel": CHANNELS, "cost": NUMBERS},
    "users": {"user_id": USERS, "country": st.sampled_from(["de", "fr", None])},
}  # fmt: skip
SURE = {
    "touchpoints": ("ann", "2026-01-01 09:00", "tv", None, "0"),
    "conversions": ("ann", "2026-01-03 09:00", None, "0"),
}


def rows_of(table: str) -> st.SearchStrategy[list[tuple[str | None, ...]]]:
    """Return rows of a table; one of a required table can be used."""
    rows = st.lists(st.tuples(*TABLES[table].values()), max_size=25)
    return rows.map(lambda found: [*([SURE[table]] if table in SURE else []), *found])


@examples(40)
@given(
    rows=st.fixed_dictionaries({name: rows_of(name) for name in TABLES}),
    keep_duplicates=st.booleans(),
    severities=st.dictionaries(
        st.sampled_from(["near_duplicates", "bursts", "bot_like_users", "one_touch_users"]),
        st.sampled_from(["warn", "set_aside"]),
    ),
)
def test_every_row_is_used_or_set_aside_or_merged(rows, keep_duplicates, severities):
    sources = {
        name: pl.DataFrame(rows[name], schema=dict.fromkeys(columns, pl.String), orient="row")
        for name, columns in TABLES.items()
    }
    rules = {name: RuleSettings(severity=own, threshold=1) for name, own in severities.items()}
    with DuckDBEngine(threads=1) as engine:
        try:
            pipeline.load_inputs(
                engine, sources, LoadOptions(keep_duplicates=keep_duplicates, rules=rules)
            )
        except InputError as error:
            assert "none of its" in str(error)  # a rule found all touchpoints
            return
        for _ in range(2):  # before and after equal touchpoints are merged
            for name in TABLES:
                counts = pipeline.count_rows(engine, name)
                assert counts.read == len(rows[name])
                assert counts.add_up, (name, counts)
            pipeline.build_journeys(engine, LOOKBACKS, "week", keep_duplicates=keep_duplicates)
        touches = engine.scalar("select count(*) from journeys.touches")
        assert pipeline.count_rows(engine, "touchpoints").used == touches
