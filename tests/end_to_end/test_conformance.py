"""Small inputs in shapes that people have, each with its right answer."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pandas as pd
import polars as pl
import pytest

import lydite
from lydite.errors import InputError
from lydite.simulation import simulate
from tests.helpers.journeys import few_journeys

START = datetime(2024, 1, 1)


def credited(result, model: str, column: str = "conversions") -> dict[str, float]:
    """Return the credit of a model by channel."""
    table = result.table if hasattr(result, "transitions") else result.credit
    rows = pl.from_pandas(table) if isinstance(table, pd.DataFrame) else table
    return dict(rows.filter(pl.col("model") == model).select("channel", column).rows())


def verdicts(result) -> dict[str, str]:
    rows = result.table.filter(pl.col("verdict").is_not_null())
    return dict(rows.select("model", "verdict").rows())


# --- path tables ----------------------------------------------------------------------------------

MODELS = ["first_touch", "last_touch", "linear", "shapley", "markov_2"]


def test_a_count_of_journeys_is_read_as_nulls():
    paths = pl.DataFrame({"path": ["a", "b", "a > b", "b > a"], "conversion": [300, 300, 200, 100]})
    counted = paths.with_columns(path_count=pl.Series([400, 3000, 300, 2000]))
    right = paths.with_columns(nulls=pl.Series([100, 2700, 100, 1900]))
    found = [lydite.compare(paths=table, models=MODELS) for table in (counted, right)]
    assert verdicts(found[0]) == verdicts(found[1])
    stands = {row["model"]: row["stands"] for row in found[0].table.to_dicts() if row["verdict"]}
    assert stands["markov_2"]
    assert stands["first_touch"]
    assert verdicts(found[0])["shapley"] == "refuted"


@pytest.mark.parametrize(
    "paths",
    [
        {"path": ["a", "b", "a > b"], "conversions": [300, 300, 200]},
        {"path": ["a > b", "b", "a > c > b", "a", "a > c"], "conversions": [500, 300, 200, 40, 60]},
    ],
)
def test_without_journeys_that_did_not_convert_there_is_no_verdict(paths):
    result = lydite.compare(paths=pl.DataFrame(paths), models=["markov_2", "linear"])
    assert verdicts(result) == {}
    record = result.to_dict()["outcomes"]["conversion"]
    assert "column `nulls`" in record["note"]
    assert sum(credited(result, "linear").values()) == pytest.approx(sum(paths["conversions"]))


def test_json_arrays_are_paths(tmp_path):
    (tmp_path / "paths.csv").write_text(
        'path,conversions,nulls\n"[""Search"",""Email""]",30,10\n'
        '"[""Email"",""Search""]",20,40\n"[""Search""]",10,50\n'
    )
    found = lydite.credit(tmp_path / "paths.csv", models=["last_touch"], intervals=False)
    assert credited(found, "last_touch") == {"Search": 30, "Email": 30}


def test_list_columns_of_pandas_are_paths():
    touches = pd.DataFrame({"user": [1, 1, 2], "channel": ["a", "b", "b"]})
    grouped = touches.groupby("user").channel.agg(list).value_counts()
    paths = grouped.rename_axis("path").reset_index(name="conversions")
    found = lydite.credit(paths, models=["linear"], intervals=False)
    assert credited(found, "linear") == {"a": 0.5, "b": 1.5}


def test_names_of_direct_traffic_earn_nothing_and_are_shown():
    direct = ["(direct) / (none)", "Direct Entry", "DIRECT_TRAFFIC", "Direct traffic", "direct"]
    first = ["google / organic", "Newsletter", "Ads", "Ads", "Ads"]
    paths = pl.DataFrame(
        {
            "path": [f"{a} > {b}" for a, b in zip(first, direct, strict=True)],
            "conversions": [10] * 5,
            "nulls": [5] * 5,
        }
    )
    found = lydite.credit(paths, models=["last_non_direct"], intervals=False)
    earned = {channel: n for channel, n in credited(found, "last_non_direct").items() if n}
    assert earned == {"google / organic": 10, "Newsletter": 10, "Ads": 30}
    [text] = found.warnings.filter(pl.col("kind") == "direct")["text"]
    assert all(repr(name) in text for name in direct)
    assert set(lydite.check(paths=paths).direct) == set(direct)


@pytest.mark.parametrize("sign", [" > ", "->", " | ", ", ", " / ", ">"])
def test_other_separators_give_the_same_credit(sign):
    paths = [["ad", "mail"], ["mail"], ["ad", "search", "mail"], ["search", "ad"]]
    table = pl.DataFrame({"path": [sign.join(p) for p in paths], "conversions": [5, 4, 3, 2]})
    try:
        found = lydite.credit(table, models=["linear"], intervals=False)
    except InputError as error:
        assert "separator" in str(error)
        found = lydite.credit(table, models=["linear"], intervals=False, separator=sign)
    assert credited(found, "linear") == pytest.approx({"ad": 4.5, "mail": 7.5, "search": 2})


def test_thousands_of_channels_are_refused():
    table = pl.DataFrame(
        {"path": [f"/product/{n}" for n in range(3000)], "conversions": [1] * 3000}
    )
    for run in (lydite.credit, lambda paths: lydite.compare(paths=paths)):
        with pytest.raises(InputError, match="3,000 distinct channels"):
            run(table)


# --- small and wrong tables -----------------------------------------------------------------------


def test_sixty_conversions_have_credit_and_no_verdict():
    result = lydite.compare(**few_journeys(60), models=["linear"])
    found = credited(result, "linear")
    assert found == pytest.approx({"ad": 30, "mail": 30, "(unattributed)": 0})
    assert verdicts(result) == {"linear": "too_early"}


def test_rows_set_aside_are_the_reason_and_not_the_history():
    """Until a day two thirds into the data, times have the month first."""
    draw = random.Random(1)
    touches, orders, wrong = [], [], 0
    for n in range(9_000):
        at = START + timedelta(minutes=draw.uniform(0, 84 * 1440))
        user = str(draw.randrange(3_000))
        american = at < START + timedelta(days=60)
        form = "%m/%d/%Y %H:%M" if american else "%Y-%m-%d %H:%M:%S"
        wrong += american
        touches.append((user, at.strftime(form), draw.choice("abc")))
        if n >= 9_000 - 843:
            orders.append((user, at + timedelta(minutes=20)))
    draw.shuffle(touches)
    names = ["user_id", "touched_at", "channel"]
    given = pl.DataFrame(touches, schema=names, orient="row")
    conversions = pl.DataFrame(orders, schema=["user_id", "converted_at"], orient="row")
    american = pl.col("touched_at").str.to_datetime("%m/%d/%Y %H:%M", strict=False)
    other = pl.col("touched_at").str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False)
    right = given.with_columns(pl.coalesce(american, other).alias("touched_at"))
    settings = {"lookback": "14d", "models": ["last_touch", "linear"]}
    found = lydite.check(given, conversions, lookback="14d")
    [table] = [table for table in found.tables if table.name == "touchpoints"]
    assert {part.reason: part.rows for part in table.set_aside} == {"invalid_touched_at": wrong}
    assert not found.ok
    note = lydite.compare(given, conversions, **settings).outcomes[0]["note"]
    assert note.startswith(f"{wrong:,} rows of touchpoints were set aside")
    full = lydite.compare(right, conversions, **settings)
    assert full.quarantined == {}
    assert set(verdicts(full)) == {"last_touch", "linear"}


def test_a_segment_without_conversions_has_no_verdict():
    """The CRM knows the sector of buyers only, and orders are also visits of a last page."""
    draw = random.Random(2)
    touches, orders, users = [], [], []
    for user in map(str, range(2_000)):
        hours = [draw.uniform(0, 24 * 7 * 20) for _ in range(draw.choice([1, 2, 3, 4]))]
        touches += [(user, START + timedelta(hours=h), draw.choice("abc")) for h in hours]
        buyer = draw.random() < 0.4
        if buyer:
            at = START + timedelta(hours=draw.uniform(0, 24 * 7 * 20))
            orders.append((user, at))
            touches += [(user, at, "thanks")] if draw.random() < 0.9 else []
        users.append((user, draw.choice(["retail", "tech"]) if buyer else ""))
    result = lydite.compare(
        pl.DataFrame(touches, schema=["user_id", "touched_at", "channel"], orient="row"),
        pl.DataFrame(orders, schema=["user_id", "converted_at"], orient="row"),
        users=pl.DataFrame(users, schema=["user_id", "sector"], orient="row"),
        lookback="14d",
        models=["linear", "last_touch", "position_based", "w_shaped", "shapley"],
    )
    unknown = result.segments.filter(pl.col("segment") == "sector = (unknown)")
    assert set(unknown["verdict"].drop_nulls()) <= {"too_early"}
    everywhere = pl.concat([result.table, result.segments])
    assert everywhere["explained_high"].drop_nulls().max() <= 1
    assert result.warnings.filter(pl.col("kind") == "outcome_channel").height == 1


def test_spend_counts_within_the_period_of_the_touchpoints():
    draw = random.Random(3)
    touches, orders = [], []
    for n in range(1_500):
        at = START + timedelta(minutes=draw.uniform(0, 84 * 1440))
        touches.append((str(n), at, draw.choice(["Paid Search", "Email"])))
        if draw.random() < 0.4:
            orders.append((str(n), at + timedelta(hours=5), 100.0))
    days = [datetime(y, m, 15).date() for y in range(2021, 2025) for m in (1, 2, 3)]
    spend = pl.DataFrame({"date": days, "channel": "Paid Search", "cost": 30_000.0})
    result = lydite.compare(
        pl.DataFrame(touches, schema=["user_id", "touched_at", "channel"], orient="row"),
        pl.DataFrame(orders, schema=["user_id", "converted_at", "value"], orient="row"),
        spend=spend, lookback="7d", models=["last_touch"],
    )  # fmt: skip
    assert credited(result, "last_touch", "cost")["Paid Search"] == 90_000
    n = credited(result, "last_touch")["Paid Search"]
    assert credited(result, "last_touch", "cpa")["Paid Search"] == pytest.approx(90_000 / n)
    [text] = result.warnings.filter(pl.col("kind") == "spend_outside_period")["text"]
    assert "270,000" in text


# --- verdicts -------------------------------------------------------------------------------------


def cut_out_of_a_log(users: int, seed: int) -> dict[str, pl.DataFrame]:
    """Return 31 days of whole sequences; conversion is a little likelier after some channels."""
    draw = random.Random(seed)
    chances = dict(
        zip("abcdefghij", [0.4, 0.1, 0.1, 0.2, 0.1, 0.4, 0.2, 0.25, 0.2, 0.25], strict=True)
    )
    touches, orders = [], []
    for user in map(str, range(users)):
        day, days = draw.uniform(-20, 31), []
        for _ in range(draw.choice([3, 3, 3, 4, 5])):
            days.append(day)
            day += draw.expovariate(1 / 2)
        if days[0] < 0 or days[-1] > 31:
            continue
        usual = draw.choice("abcdefghij")
        path = [usual if draw.random() < 0.8 else draw.choice("abcdefghij") for _ in days]
        times = [START + timedelta(seconds=round(86_400 * d)) for d in days]
        touches += [(user, at, channel) for at, channel in zip(times, path, strict=True)]
        if draw.random() < chances[path[-1]]:
            orders.append((user, times[-1]))
    return {
        "touchpoints": pl.DataFrame(
            touches, schema=["user_id", "touched_at", "channel"], orient="row"
        ),
        "conversions": pl.DataFrame(orders, schema=["user_id", "converted_at"], orient="row"),
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_contender_is_behind_a_constant_rate(seed):
    rivals = ["last_touch", "linear", "shapley", "markov_2"]
    result = lydite.compare(**cut_out_of_a_log(3_000, seed), models=rivals, lookback="5d")
    explained = dict(result.table.select("model", "explained").rows())
    best_baseline = max(explained.get("base_rate") or 0, explained.get("touch_volume") or 0)
    for model, verdict in verdicts(result).items():
        if verdict in {"contender", "best"}:
            assert explained[model] > best_baseline


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_model_and_no_warning_finds_anything_in_a_null_world(seed):
    world = simulate("null", users=2_000, seed=seed)
    rivals = ["last_touch", "linear", "time_decay", "markov_2"]
    result = lydite.compare(world.touchpoints, world.conversions, models=rivals)
    assert not {"contender", "best"} & set(verdicts(result).values())
    assert not result.warnings.filter(pl.col("text").str.contains("something matters")).height


@pytest.fixture(scope="module")
def sample():
    tables = {name: pl.read_parquet(f"data_samples/{name}.parquet")
              for name in ("touchpoints", "conversions", "spend")}  # fmt: skip
    return lydite.compare(
        **tables, outcomes=["purchase"], models=["linear", "last_touch", "shapley"]
    )


def test_a_model_is_best_only_if_all_others_are_refuted(sample):
    found = verdicts(sample)
    for model, verdict in found.items():
        if verdict == "best":
            assert {found[other] for other in found if other != model} == {"refuted"}
    standing = [model for model, verdict in found.items() if verdict != "refuted"]
    assert ("explains purchase best." in sample.verdict()) == (len(standing) == 1)


def test_intervals_contain_their_figure(sample):
    credit = sample.credit.drop_nulls("conversions_low")
    assert credit.height > 20
    outside = credit.filter(
        ~pl.col("conversions").is_between(
            pl.col("conversions_low") - 1e-6, pl.col("conversions_high") + 1e-6
        )
    )
    assert outside.select("model", "channel").rows() == []


# --- conversions as businesses have them ----------------------------------------------------------

CLICK = pl.DataFrame({"user_id": ["a"], "touched_at": [START], "channel": ["mail"]})


def orders_of(*rows: tuple[datetime, float | None, str | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [("a", *row) for row in rows],
        schema={
            "user_id": pl.String, "converted_at": pl.Datetime("us"), "value": pl.Float64,
            "conversion_id": pl.String,
        },
        orient="row",
    )  # fmt: skip


def credit_of(orders: pl.DataFrame, **options):
    return lydite.credit(
        touchpoints=CLICK, conversions=orders, models=["linear"], intervals=False, **options
    )


@pytest.mark.parametrize(("choice", "expected"), [("continue", (2, 0)), ("restart", (1, 1))])
def test_a_second_purchase_without_a_new_click_is_a_choice(choice, expected):
    orders = orders_of((START + timedelta(days=1), 10, "1"), (START + timedelta(days=2), 10, "2"))
    found = credited(credit_of(orders, after_conversion=choice), "linear")
    assert (found["mail"], found["(unattributed)"]) == expected
    checked = lydite.check(CLICK, orders)
    assert checked.outcomes[0].repeats == 1


def test_a_reloaded_order_counts_once_at_its_earliest_time():
    orders = orders_of((START + timedelta(days=2), 10, "7"), (START + timedelta(days=1), 10, "7"))
    found = credit_of(orders)
    assert credited(found, "linear")["mail"] == 1
    assert found.quarantined == {"conversions": {"repeated_id": 1}}


def test_a_refund_reduces_the_value_of_its_order():
    orders = orders_of(
        (START + timedelta(days=1), 100, "7"), (START + timedelta(days=9), -100, "7")
    )
    found = credit_of(orders)
    assert credited(found, "linear")["mail"] == 1
    assert credited(found, "linear", "value") == {"mail": 0, "(unattributed)": 0}


def test_without_any_value_the_value_and_return_are_null():
    found = credit_of(orders_of((START + timedelta(days=1), None, "7")))
    for column in ("value", "roas"):
        assert set(credited(found, "linear", column).values()) == {None}


# --- time -----------------------------------------------------------------------------------------


def test_local_touches_next_to_conversions_in_utc_are_refused():
    """Touches are in Tokyo's time without a zone, conversions have a Z."""
    world = simulate("last_touch", users=1_000, seed=4)
    local = (pl.col("touched_at") + pl.duration(hours=9)).dt.strftime("%Y-%m-%d %H:%M:%S")
    in_utc = pl.col("converted_at").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    with pytest.raises(InputError) as caught:
        lydite.compare(
            world.touchpoints.with_columns(touched_at=local),
            world.conversions.with_columns(converted_at=in_utc),
        )
    assert "touchpoints.touched_at" in str(caught.value)
    assert "conversions.converted_at" in str(caught.value)


@pytest.mark.parametrize("date", [20240102, "20240102", "2024-1-2"])
def test_days_without_signs_are_read(date):
    spend = pl.DataFrame({"date": [date], "channel": ["mail"], "cost": [3.0]})
    found = lydite.check(
        pl.concat([CLICK, CLICK.with_columns(touched_at=pl.lit(START + timedelta(days=5)))]),
        orders_of((START + timedelta(days=6), 1, None)),
        spend=spend,
    )
    [table] = [table for table in found.tables if table.name == "spend"]
    assert [(c.low, c.high) for c in table.columns if c.name == "date"] == [("2024-01-02",) * 2]
    assert table.set_aside == ()


def test_epochs_in_microseconds_are_read():
    at = START.replace(tzinfo=UTC)
    micro = CLICK.with_columns(touched_at=pl.lit(int(at.timestamp() * 1_000_000)))
    found = lydite.credit(
        touchpoints=micro, conversions=orders_of((START + timedelta(hours=1), 1, None)),
        models=["linear"], intervals=False,
    )  # fmt: skip
    assert credited(found, "linear")["mail"] == 1
    assert found.quarantined == {}


# --- rows that are not what they seem -------------------------------------------------------------


def test_users_with_one_direct_touch_move_no_credit_and_are_a_finding():
    world = simulate("linear", users=1_500, seed=1)
    touches = world.touchpoints.select("user_id", "touched_at", "channel")
    crowd = pl.DataFrame(
        {
            "user_id": [f"x{n}" for n in range(20_000)],
            "touched_at": [datetime(2025, 3, 1) + timedelta(minutes=n) for n in range(20_000)],
            "channel": ["direct"] * 20_000,
        }
    ).with_columns(pl.col("touched_at").cast(touches.schema["touched_at"]))
    settings = {"models": ["linear", "last_touch"], "intervals": False}
    found = [
        lydite.credit(touchpoints=given, conversions=world.conversions, **settings)
        for given in (touches, pl.concat([touches, crowd]))
    ]
    for model in settings["models"]:
        assert credited(found[0], model) == pytest.approx(credited(found[1], model))
    checked = lydite.check(pl.concat([touches, crowd]), world.conversions)
    [finding] = [one for one in checked.findings if one.kind == "one_touch_users"]
    assert "'direct'" in finding.text
    assert finding.fix
