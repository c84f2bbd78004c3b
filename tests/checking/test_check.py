"""A check agrees with a run on the same data, and names everything that is wrong with it."""

import json
from datetime import datetime, timedelta

import polars as pl
import pytest

import lydite
from lydite.errors import InputError
from lydite.simulation import simulate
from tests.helpers.journeys import few_journeys

START = datetime(2025, 1, 6)


@pytest.fixture(scope="module")
def world():
    return simulate("linear", users=2_000, seed=1)


def kinds(found: lydite.DataCheck) -> dict[str, str]:
    return {finding.kind: finding.level for finding in found.findings}


def test_a_check_has_the_counts_of_a_comparison(world):
    touches = pl.concat([world.touchpoints, world.touchpoints.head(7)])
    bad = world.conversions.head(3).with_columns(user_id=pl.lit(""), conversion_id=pl.lit("x"))
    orders = pl.concat([world.conversions, bad])
    given = {"spend": world.spend, "users": world.users, "lookback": "20d"}
    found = lydite.check(touches, orders, **given)
    result = lydite.compare(touches, orders, **given, models=["linear"])
    [counts] = result.outcomes
    [outcome] = found.outcomes
    assert outcome.conversions == counts["conversions"]
    assert outcome.without_touch == counts["unattributed"]
    assert outcome.forecasts == counts["periods"]
    assert outcome.as_of == counts["as_of"].date()
    assert outcome.lookback == counts["lookback"] == "20d"
    quarantined = {
        table.name: {part.reason: part.rows for part in table.set_aside}
        for table in found.tables
        if table.set_aside
    }
    assert quarantined == result.quarantined == {"conversions": {"missing_user_id": 3}}
    duplicates = {table.name: table.duplicates for table in found.tables if table.duplicates}
    assert duplicates == result.duplicates == {"touchpoints": 7}
    for table in found.tables:
        bad_rows = sum(part.rows for part in table.set_aside)
        assert table.read == table.rows + table.duplicates + table.refunds + bad_rows
    assert {table.name: table.read for table in found.tables} == {
        "touchpoints": touches.height, "conversions": orders.height,
        "spend": world.spend.height, "users": world.users.height,
    }  # fmt: skip
    assert found.ok
    assert found.direct == ("direct",)


def test_warnings_of_a_comparison_are_findings_with_a_fix(world):
    spend = pl.concat([
        world.spend.with_columns(channel=pl.col("channel").str.to_uppercase()),
        world.spend.head(1).with_columns(channel=pl.lit("radio")),
    ])  # fmt: skip
    found = lydite.check(world.touchpoints, world.conversions, spend=spend)
    result = lydite.compare(world.touchpoints, world.conversions, spend=spend, models=["linear"])
    about_spend = {kind for kind in result.warnings["kind"] if kind.startswith("spend")}
    assert about_spend == {"spend_renamed", "spend_without_touches"} <= set(kinds(found))
    assert kinds(found)["touches_without_spend"] == "note"
    assert all(finding.fix and "\n" not in finding.fix for finding in found.findings)
    texts = {finding.text for finding in found.findings}
    assert set(result.warnings.filter(pl.col("kind") == "spend_renamed")["text"]) <= texts


def test_times_in_another_zone_are_an_error():
    world = simulate("last_touch", users=4_000, seed=2)
    minutes = pl.duration(minutes=pl.int_range(pl.len()) % 12)
    touches = world.touchpoints.with_columns(pl.col("touched_at") + pl.duration(hours=9))
    close = world.touchpoints.group_by("user_id").agg(pl.col("touched_at").max())
    orders = close.head(900).select(
        "user_id", converted_at=pl.col("touched_at") + minutes + pl.duration(minutes=1)
    )
    found = lydite.check(touches, orders)
    assert kinds(found)["shifted_times"] == "error"
    assert not found.ok
    [finding] = [finding for finding in found.findings if finding.kind == "shifted_times"]
    assert "9 hours ahead" in finding.text
    assert finding.fix.startswith("Convert the column with local times to UTC")
    with pytest.raises(InputError, match="9 hours ahead"):
        lydite.compare(touches, orders, models=["linear"])


def test_conversions_of_unknown_users_are_a_warning(world):
    strange = world.conversions.with_columns(
        pl.concat_str(pl.lit("crm-"), "user_id").alias("user_id")
    )
    found = lydite.check(world.touchpoints, strange)
    [finding] = [one for one in found.findings if one.kind == "conversions_without_touch"]
    [outcome] = found.outcomes
    assert outcome.without_any_touch == outcome.without_touch == strange.height
    assert finding.fix == "compare the user ids of both tables, or join them by identities"


def test_too_short_a_history_has_the_day_of_the_first_forecast():
    sources = few_journeys(30, 5)
    sources["conversions"] = sources["conversions"].slice(1)
    found = lydite.check(**sources)
    [outcome] = found.outcomes
    assert (outcome.forecasts, str(outcome.first_forecast)) == (0, "2024-04-10")
    [finding] = [one for one in found.findings if one.kind == "too_early"]
    assert finding.fix == "load older data, or wait until 2024-04-10"
    assert found.ok


def test_where_every_user_converts_the_fix_is_to_add_others():
    found = lydite.check(**few_journeys(30, 5))
    [finding] = [one for one in found.findings if one.kind == "no_verdict"]
    assert finding.fix == "Add the touchpoints of users without a conversion"


def test_every_table_that_cannot_be_used_is_named(tmp_path, world):
    (tmp_path / "t.csv").write_text("user_id,touched_at,channel\nann,yesterday,mail\n")
    found = lydite.check(tmp_path / "t.csv", world.conversions, users=tmp_path / "no.csv")
    assert not found.ok
    assert {(one.table, one.kind, one.level) for one in found.findings} == {
        ("touchpoints", "unusable", "error"),
        ("users", "unusable", "error"),
    }
    assert found.findings[0].fix.startswith("touched_at is missing or not a time")
    assert [table.name for table in found.tables] == ["conversions"]
    assert found.outcomes == ()


def test_an_outcome_that_is_not_there_is_an_error(world):
    found = lydite.check(world.touchpoints, world.conversions, outcomes=["sale"])
    assert [one.kind for one in found.findings] == ["unusable"]
    assert "there is no outcome 'sale'" in found.findings[0].text


def test_too_many_rows_set_aside_are_an_error():
    touches = pl.DataFrame({
        "user_id": [str(n) for n in range(100)],
        "touched_at": [START + timedelta(hours=n) for n in range(100)],
        "channel": ["mail"] * 98 + ["", ""],
    })  # fmt: skip
    orders = pl.DataFrame({"user_id": ["1"], "converted_at": [START + timedelta(days=1)]})
    found = lydite.check(touches, orders)
    [finding] = [one for one in found.findings if one.kind == "quarantined_rows"]
    assert finding.level == "error"
    assert finding.fix == "channel is null or blank; fill it, or leave the row out"
    assert "2 of 100 rows of touchpoints" in finding.text


def test_a_path_table():
    table = pl.DataFrame({
        "path": ["ad > mail", "mail", "(direct) / (none) > ad"], "conversions": [40, 20, 5],
        "nulls": [60, 70, 9], "region": ["a", "b", "c"],
    })  # fmt: skip
    found = lydite.check(paths=table)
    assert found.outcomes[0].conversions == 65
    assert found.direct == ("(direct) / (none)",)
    assert {"too_early", "unused_column"} <= set(kinds(found))
    [summary] = found.tables
    [channels] = [column for column in summary.columns if column.name == "channel"]
    assert dict(channels.top) == {"mail": 190, "ad": 114, "(direct) / (none)": 14}
    assert not lydite.check(paths=pl.DataFrame({"path": ["a"]})).ok


def test_the_settings_of_a_project(tmp_path, world, monkeypatch):
    world.write(tmp_path / "data")
    (tmp_path / "lydite.toml").write_text(
        '[sources]\ntouchpoints = "data/touchpoints.parquet"\n'
        'conversions = "data/conversions.parquet"\n[evaluation]\nlookback = "9d"\n'
    )
    found = lydite.check(settings=tmp_path / "lydite.toml")
    assert found.outcomes[0].lookback == "9d"
    assert found.tables[0].source == "data/touchpoints.parquet"
    monkeypatch.chdir(tmp_path)
    assert lydite.check() == found
    assert lydite.check(lookback="3d").outcomes[0].lookback == "3d"
    json.dumps(found.to_dict(), allow_nan=False)


def test_arguments_that_cannot_be_combined(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments, words in (
        ({"touchpoints": world.touchpoints}, "give touchpoints and conversions"),
        ({"paths": "p.csv", "users": "u.csv"}, "paths and users cannot be combined"),
        ({"paths": "p.csv", "settings": "x.toml"}, "settings and sources cannot be combined"),
        ({}, "there is no settings file"),
    ):
        with pytest.raises(InputError, match=words):
            lydite.check(**arguments)


def test_options_about_people_orders_and_currencies_are_those_of_a_comparison(world):
    ids = pl.DataFrame({"anonymous_id": ["u00000001"], "user_id": ["u00000002"],
                        "seen_at": [START]})  # fmt: skip
    options = {
        "identities": ids, "join": "always", "after_conversion": "restart",
        "period": "month", "lookback": "5d",
    }  # fmt: skip
    found = lydite.check(world.touchpoints, world.conversions, **options)
    result = lydite.compare(world.touchpoints, world.conversions, **options, models=["linear"])
    [outcome], [counts] = found.outcomes, result.outcomes
    assert (outcome.after_conversion, outcome.period) == ("restart", "month")
    assert (outcome.forecasts, outcome.without_touch) == (
        counts["periods"], counts["unattributed"],
    )  # fmt: skip
    assert [table.name for table in found.tables][-1] == "identities"
    unknown = set(result.warnings["kind"]) - {one.kind for one in found.findings}
    assert "hub_ids" not in unknown
    assert "unknown_ids" not in unknown
