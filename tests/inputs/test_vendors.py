"""Ready selects: their places, and how files and tables are read."""

import pytest

from lydite.errors import InputError
from lydite.inputs import TABLES
from lydite.inputs.vendors import relation_of, vendor_selects

SELECTS = [select for selects in vendor_selects().values() for select in selects.values()]


def name_of(select):
    return f"{select.vendor}/{select.table}"


def test_vendors():
    assert set(vendor_selects()) == {
        "ga4", "snowplow", "snowplow_unified", "segment", "hubspot", "matomo", "sessions",
        "google_ads", "meta_ads", "linkedin_ads",
    }  # fmt: skip


@pytest.mark.parametrize("select", SELECTS, ids=name_of)
def test_a_select_names_its_table_its_places_and_where_the_columns_are_documented(select):
    assert select.table in TABLES
    assert select.about.endswith(".")
    assert select.places
    for name in select.places:
        assert f" from {{{name}}}" in select.text
    assert "https://" in select.text or select.vendor == "sessions"


@pytest.mark.parametrize("select", SELECTS, ids=name_of)
def test_all_places_are_replaced_but_in_comments(select):
    text = select.render(dict.fromkeys(select.places, "raw.export"))
    code = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    assert " from raw.export" in code
    assert not any(f"{{{name}}}" in code for name in select.places)
    assert text.startswith(f"-- {select.about}")


@pytest.mark.parametrize(
    ("place", "sql"),
    [
        ("a/*.parquet", "read_parquet('a/*.parquet', union_by_name = true)"),
        ("s3://b/it's.csv.gz", "read_csv('s3://b/it''s.csv.gz', all_varchar = true"),
        ("https://h/a.jsonl?x=1", "read_json('https://h/a.jsonl?x=1'"),
        ("raw.events", "raw.events"),
        ('db."my schema".events', 'db."my schema".events'),
    ],
)
def test_relation(place, sql):
    assert relation_of(place).startswith(sql)


@pytest.mark.parametrize("place", ["", "a b", "x; drop table y", "data/", "(select 1)"])
def test_other_places_are_refused(place):
    with pytest.raises(InputError, match="neither"):
        relation_of(place)


def test_a_missing_place_is_named():
    with pytest.raises(InputError, match="ga4 touchpoints: events is missing: the tables events_"):
        vendor_selects()["ga4"]["touchpoints"].render({})
