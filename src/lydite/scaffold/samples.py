"""Samples of simulated data, each in the shape of a vendor's export."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from lydite.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lydite.simulation import World

#: Large enough for a verdict, small enough to run in seconds.
_WORLD, _USERS, _SEED = "time_decay", 2_500, 1
_SITE = "https://shop.example/"


@dataclass(frozen=True)
class Shape:
    """The shape of a sample.

    Attributes
    ----------
    about
        What it looks like, for people.
    make
        Returns the sample as frames by file name: Parquet, CSV or JSON lines.
    places
        Where the ready selects of the vendor find the files, by parameter.
    tables
        The input tables that the sample has.
    """

    about: str
    make: Callable[[World], dict[str, pl.DataFrame]]
    places: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[str, ...] = ("touchpoints", "conversions", "spend")


def write_sample(shape: Shape, folder: Path) -> None:
    """Write the files of a sample to a folder."""
    world = simulate(_WORLD, users=_USERS, seed=_SEED)
    for name, frame in shape.make(world).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        match path.suffix:
            case ".parquet":
                frame.write_parquet(path, compression="zstd", compression_level=9)
            case ".jsonl":
                frame.write_ndjson(path)
            case _:
                frame.write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%SZ")


# --- visits ---------------------------------------------------------------------------------------

#: Source, medium, query of the landing URL, and referrer of a visit, by channel of the world.
_TRAFFIC = {
    "search": ("google", "cpc", "gclid=Cj0K", "https://www.google.com/"),
    "social": ("facebook", "paid_social", "fbclid=Iw0A", "https://l.facebook.com/"),
    "display": ("dv360", "display", "", None),
    "video": ("youtube", "cpv", "", "https://www.youtube.com/"),
    "email": ("newsletter", "email", "", None),
    "affiliate": ("partner-network", "affiliate", "", "https://deals.example/"),
    "referral": ("blog.example", "referral", "", "https://blog.example/reviews"),
    "direct": (None, None, "", None),
}
_COUNTRIES = {"north": "Sweden", "south": "Italy", "east": "Poland", "west": "France"}
_COUNTRY_CODES = {"north": "SE", "south": "IT", "east": "PL", "west": "FR"}


def _visits(world: World) -> pl.DataFrame:
    """Return the touchpoints as visits: user, number, time, source, campaign, URL and referrer."""
    columns = ("channel", "source", "medium", "query", "referrer")
    traffic = pl.DataFrame(
        [(name, *values) for name, values in _TRAFFIC.items()], schema=columns, orient="row"
    )
    tagged = pl.col("source").is_not_null() & (pl.col("medium") != "referral")
    url = pl.when(pl.col("query") != "").then(pl.concat_str(pl.lit(f"{_SITE}?"), "query"))
    return (
        world.touchpoints.join(traffic, on="channel", how="left", maintain_order="left")
        .with_columns(campaign=pl.when(tagged).then("campaign"), number=_number("user_id"))
        .with_columns(url=url.otherwise(pl.lit(_SITE)))
        .select(
            "user_id", "number", "touched_at", "source", "medium", "campaign", "url", "referrer",
            "touchpoint_id", click=pl.col("query").str.extract(r"^(gclid)").is_not_null(),
        )
    )  # fmt: skip


def _number(column: str) -> pl.Expr:
    """Return the number in an id such as u00000012."""
    return pl.col(column).str.slice(1).cast(pl.Int64)


def _orders(world: World) -> pl.DataFrame:
    """Return the conversions with the number of the user and an order id."""
    order = pl.concat_str(pl.lit("A-"), (_number("conversion_id") + 10_000).cast(pl.String))
    return world.conversions.select(
        "user_id", "converted_at", "value", number=_number("user_id"), order_id=order
    )


def _spend(world: World) -> pl.DataFrame:
    """Return the cost of each day by source and medium, for channels that cost anything."""
    booked = world.spend.select("date", "channel", "campaign", "cost")
    by_touch = world.touchpoints.filter(pl.col("cost") > 0).select(
        pl.col("touched_at").dt.date().alias("date"), "channel", "campaign", "cost"
    )
    names = {name: source for name, (source, *_) in _TRAFFIC.items()}
    media = {name: medium for name, (_, medium, *_) in _TRAFFIC.items()}
    return (
        pl.concat([booked, by_touch])
        .group_by("date", "channel", "campaign")
        .agg(pl.col("cost").sum().round(2))
        .sort("date", "channel", "campaign")
        .select(
            "date",
            pl.col("channel").replace_strict(names).alias("source"),
            pl.col("channel").replace_strict(media).alias("medium"),
            "campaign",
            "cost",
        )
    )


def _epoch_us(column: str) -> pl.Expr:
    return pl.col(column).dt.epoch("us")


# --- shapes ---------------------------------------------------------------------------------------


def _plain(world: World) -> dict[str, pl.DataFrame]:
    names = ("touchpoints", "conversions", "spend", "users")
    return {f"data/{name}.csv": getattr(world, name) for name in names}


def _ga4(world: World) -> dict[str, pl.DataFrame]:
    """Return the BigQuery export of Google Analytics 4: two events per visit, one per order."""
    visits = _visits(world).with_columns(
        at=_epoch_us("touched_at"), session=_epoch_us("touched_at") // 1_000_000
    )
    first = visits.group_by("user_id").agg(born=pl.col("session").min())
    people = world.users.join(first, on="user_id").select(
        "user_id",
        user_pseudo_id=pl.format("{}.{}", _number("user_id") + 1_000_000_000, "born"),
        device=pl.struct(
            category=pl.col("customer_type").replace_strict(
                {"new": "mobile", "returning": "desktop"}
            )
        ),
        geo=pl.struct(country=pl.col("region").replace_strict(_COUNTRIES)),
    )
    collected = pl.struct(
        manual_source="source",
        manual_medium="medium",
        manual_campaign_name="campaign",
        gclid=pl.when("click").then(pl.lit("Cj0K")),
        dclid=pl.lit(None, pl.String),
    )
    views = visits.select(
        "user_id", "at", "session", name=pl.lit("page_view"), page="url",
        collected=pl.when(pl.col("source").is_not_null()).then(collected),
        order=pl.lit(None, pl.String), revenue=pl.lit(None, pl.Float64),
    )  # fmt: skip
    starts = views.with_columns(name=pl.lit("session_start"), collected=pl.lit(None))
    # An order belongs to the last visit before it.
    orders = (
        _orders(world)
        .with_columns(at=_epoch_us("converted_at"))
        .sort("at")
        .join_asof(
            visits.select("user_id", "at", "session").sort("at"),
            on="at", by="user_id", strategy="backward", check_sortedness=False,
        )
        .select(
            "user_id", "at", "session", name=pl.lit("purchase"),
            page=pl.lit(f"{_SITE}thanks"), collected=pl.lit(None), order="order_id",
            revenue="value",
        )
    )  # fmt: skip
    events = pl.concat([starts, views, orders], how="vertical_relaxed")
    table = (
        events.join(people, on="user_id")
        .sort("at", "name", descending=[False, True], maintain_order=True)
        .select(
            pl.from_epoch("at", "us").dt.strftime("%Y%m%d").alias("event_date"),
            pl.col("at").alias("event_timestamp"),
            pl.col("name").alias("event_name"),
            pl.concat_list(
                _parameter("ga_session_id", number="session"),
                _parameter("page_location", text="page"),
            ).alias("event_params"),
            "user_pseudo_id",
            "device",
            "geo",
            pl.lit("WEB").alias("platform"),
            pl.col("collected").alias("collected_traffic_source"),
            pl.struct(transaction_id="order", purchase_revenue="revenue").alias("ecommerce"),
        )
    )
    months = table.with_columns(month=pl.col("event_date").str.slice(0, 6)).partition_by(
        "month", include_key=False, as_dict=True
    )
    return {f"data/events_{month}.parquet": frame for (month,), frame in months.items()} | {
        "data/spend.csv": _spend(world)
    }


def _parameter(key: str, *, text: str | None = None, number: str | None = None) -> pl.Expr:
    """Return an entry of ``event_params``."""
    value = pl.struct(
        string_value=pl.lit(None, pl.String) if text is None else pl.col(text),
        int_value=pl.lit(None, pl.Int64) if number is None else pl.col(number),
    )
    return pl.struct(key=pl.lit(key), value=value)


def _snowplow(world: World) -> dict[str, pl.DataFrame]:
    """Return Snowplow's atomic events: a view per visit, a transaction per order."""
    people = world.users.select(
        "user_id",
        domain_userid=_uuid(_number("user_id"), "a"),
        geo_country=pl.col("region").replace_strict(_COUNTRY_CODES),
    )
    bare = pl.col("source").is_null() | (pl.col("medium") == "referral")
    tagged = {f"mkt_{name}": pl.when(~bare).then(name) for name in ("source", "medium", "campaign")}
    views = _visits(world).select(
        "user_id",
        pl.lit("page_view").alias("event"),
        _uuid(_number("touchpoint_id"), "b").alias("event_id"),
        pl.col("touched_at").alias("derived_tstamp"),
        _uuid(_number("touchpoint_id"), "c").alias("domain_sessionid"),
        pl.col("url").alias("page_url"),
        **tagged,
        mkt_clickid=pl.when("click").then(pl.lit("Cj0K")),
        mkt_network=pl.when("click").then(pl.lit("Google")),
        refr_medium=pl.when(pl.col("medium") == "referral").then(pl.lit("unknown")),
        refr_urlhost=pl.when(pl.col("medium") == "referral").then("source"),
    )
    bought = pl.struct(transaction_id="order_id", revenue="value", currency=pl.lit("EUR")).implode()
    orders = _orders(world).select(
        "user_id",
        pl.lit("unstruct").alias("event"),
        _uuid(pl.col("order_id").str.slice(2).cast(pl.Int64), "d").alias("event_id"),
        pl.col("converted_at").alias("derived_tstamp"),
        pl.lit(f"{_SITE}thanks").alias("page_url"),
        pl.struct(type=pl.lit("transaction")).alias(f"unstruct_event_{_ECOMMERCE}_action_1"),
        bought.over("order_id").alias(
            "contexts_com_snowplowanalytics_snowplow_ecommerce_transaction_1"
        ),
    )
    table = pl.concat([views, orders], how="diagonal_relaxed").join(people, on="user_id")
    table = table.with_columns(platform=pl.lit("web"), app_id=pl.lit("shop"))
    return {
        "data/events.parquet": table.drop("user_id").sort("derived_tstamp", "event_id"),
        "data/spend.csv": _spend(world),
    }


_ECOMMERCE = "com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce"


def _uuid(number: pl.Expr, kind: str) -> pl.Expr:
    """Return a number in the form of a UUID; kinds do not share any."""
    digits = number.cast(pl.String).str.zfill(12)
    return pl.concat_str(pl.lit(f"{kind * 8}-0000-4000-8000-"), digits)


def _segment(world: World) -> dict[str, pl.DataFrame]:
    """Return Segment's tables ``pages`` and ``order_completed``."""
    pages = _visits(world).select(
        pl.concat_str(pl.lit("ajs-"), "touchpoint_id").alias("id"),
        _uuid(pl.col("number"), "a").alias("anonymous_id"),
        pl.col("touched_at").alias("timestamp"),
        *(
            pl.when(pl.col("medium") != "referral").then(name).alias(f"context_campaign_{column}")
            for name, column in (("source", "source"), ("medium", "medium"), ("campaign", "name"))
        ),
        "url",
        "referrer",
    )
    orders = _orders(world).select(
        pl.concat_str(pl.lit("ajs-"), "order_id").alias("id"),
        _uuid(pl.col("number"), "a").alias("anonymous_id"),
        pl.col("converted_at").alias("timestamp"),
        pl.lit("order_completed").alias("event"),
        "order_id",
        pl.col("value").alias("revenue"),
    )
    return {
        "data/pages.csv": pages,
        "data/order_completed.csv": orders,
        "data/spend.csv": _spend(world),
    }


def _sessions(world: World) -> dict[str, pl.DataFrame]:
    """Return a table of sessions with UTM parameters, and one of orders."""
    not_tagged = pl.col("medium") == "referral"
    sessions = _visits(world).select(
        "user_id",
        pl.concat_str(pl.lit("s"), "touchpoint_id").alias("session_id"),
        pl.col("touched_at").alias("started_at"),
        *(
            pl.when(~not_tagged).then(name).alias(f"utm_{name}")
            for name in ("source", "medium", "campaign")
        ),
        pl.col("url").alias("landing_page"),
        "referrer",
    )
    orders = _orders(world).select(
        "user_id", "order_id", pl.col("converted_at").alias("ordered_at"), revenue="value"
    )
    return {
        "data/sessions.csv": sessions,
        "data/orders.csv": orders,
        "data/spend.csv": _spend(world),
    }


#: HubSpot's names of traffic sources.
_HUBSPOT_SOURCES = {
    "search": "PAID_SEARCH",
    "social": "PAID_SOCIAL",
    "display": "OTHER_CAMPAIGNS",
    "video": "OTHER_CAMPAIGNS",
    "email": "EMAIL_MARKETING",
    "affiliate": "REFERRALS",
    "referral": "REFERRALS",
    "direct": "DIRECT_TRAFFIC",
}


def _hubspot(world: World) -> dict[str, pl.DataFrame]:
    """Return contacts with original and latest source, and a deal for each that converted."""
    deals = (
        world.conversions.sort("converted_at")
        .unique("user_id", keep="first", maintain_order=True)
        .with_columns(number=_number("user_id"))
    )
    touches = (
        world.touchpoints.join(deals.select("user_id", "converted_at"), on="user_id", how="left")
        .filter((pl.col("touched_at") <= pl.col("converted_at")).fill_null(value=True))
        .sort("touched_at", maintain_order=True)
    )
    origin = pl.col("channel").replace_strict(_HUBSPOT_SOURCES)
    is_social = pl.col("channel") == "social"
    sources = touches.select(
        "user_id",
        at=_iso("touched_at"),
        source=origin,
        data_1=pl.when(is_social).then(pl.lit("Facebook")).otherwise("campaign"),
        data_2=pl.when(is_social).then("campaign"),
    )
    fields = ("at", "source", "data_1", "data_2")
    contacts = (
        sources.group_by("user_id", maintain_order=True)
        .agg(
            *(pl.col(name).first().alias(f"first_{name}") for name in fields),
            *(pl.col(name).last().alias(f"last_{name}") for name in fields),
        )
        .join(world.users, on="user_id")
        .sort("user_id")
        .select(
            id=_contact_id(),
            properties=pl.struct(
                createdate="first_at",
                hs_analytics_source="first_source",
                hs_analytics_source_data_1="first_data_1",
                hs_analytics_source_data_2="first_data_2",
                hs_analytics_first_timestamp="first_at",
                hs_latest_source="last_source",
                hs_latest_source_data_1="last_data_1",
                hs_latest_source_data_2="last_data_2",
                hs_latest_source_timestamp="last_at",
                country=pl.col("region").replace_strict(_COUNTRIES),
            ),
        )
    )
    won = (pl.col("number") % 5) < 2
    wait = pl.duration(hours=24 + pl.col("number") % 72)
    stages = pl.concat_list(
        pl.struct(value=pl.lit("qualifiedtobuy"), timestamp=_iso("converted_at")),
        pl.struct(
            value=pl.when(won).then(pl.lit("closedwon")).otherwise(pl.lit("closedlost")),
            timestamp=_iso(pl.col("converted_at") + wait),
        ),
    )
    table = deals.select(
        id=(pl.col("number") + 9_000_000).cast(pl.String),
        archived=pl.lit(value=False),
        properties=pl.struct(
            amount=(pl.col("value") * 100).round(2).cast(pl.String),
            dealstage=pl.when(won).then(pl.lit("closedwon")).otherwise(pl.lit("closedlost")),
            closedate=_iso(pl.col("converted_at") + wait),
        ),
        propertiesWithHistory=pl.struct(dealstage=stages),
        associations=pl.struct(
            contacts=pl.struct(results=pl.concat_list(pl.struct(id=_contact_id())))
        ),
    )
    return {"data/contacts.jsonl": contacts, "data/deals.jsonl": table}


def _contact_id() -> pl.Expr:
    return (_number("user_id") + 1_000).cast(pl.String)


def _iso(time: str | pl.Expr) -> pl.Expr:
    found = pl.col(time) if isinstance(time, str) else time
    return found.dt.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _paths(world: World) -> dict[str, pl.DataFrame]:
    """Return a path table: the channels between two conversions, and how often they occurred."""
    touches = world.touchpoints.select("user_id", "channel", at="touched_at")
    conversions = world.conversions.select("user_id", "value", at="converted_at")
    paths = (
        pl.concat([touches, conversions], how="diagonal")
        .sort("user_id", "at", pl.col("channel").is_null())
        .with_columns(
            part=pl.col("channel").is_null().cum_sum().shift(1, fill_value=0).over("user_id")
        )
        .group_by("user_id", "part", maintain_order=True)
        .agg(
            path=pl.col("channel").drop_nulls().str.join(" > "),
            conversions=pl.col("channel").is_null().sum(),
            value=pl.col("value").sum(),
        )
        .filter(pl.col("path") != "")
    )
    table = paths.group_by("path").agg(
        pl.col("conversions").sum(),
        pl.col("value").sum().round(2),
        nulls=(pl.col("conversions") == 0).sum(),
    )
    most = pl.col("conversions") + pl.col("nulls")
    return {"data/paths.csv": table.sort(most, "path", descending=[True, False])}


#: The shapes by name; ``plain`` has the columns of the input tables.
SHAPES: Mapping[str, Shape] = {
    "ga4": Shape(
        "the BigQuery export of Google Analytics 4",
        _ga4,
        {"events": "data/events_*.parquet"},
        ("touchpoints", "conversions", "users", "spend"),
    ),
    "snowplow": Shape(
        "Snowplow's atomic events",
        _snowplow,
        {"events": "data/events.parquet"},
        ("touchpoints", "conversions", "users", "spend"),
    ),
    "segment": Shape(
        "Segment's tables pages and order_completed",
        _segment,
        {"pages": "data/pages.csv", "tracks": "data/order_completed.csv"},
    ),
    "sessions": Shape(
        "a table of sessions and one of orders",
        _sessions,
        {"sessions": "data/sessions.csv", "orders": "data/orders.csv"},
    ),
    "hubspot": Shape(
        "contacts and deals of HubSpot's API",
        _hubspot,
        {"contacts": "data/contacts.jsonl", "deals": "data/deals.jsonl"},
        ("touchpoints", "conversions", "users"),
    ),
    "paths": Shape("a path table", _paths, {}, ("paths",)),
    "plain": Shape(
        "CSV files with the columns of the input tables",
        _plain,
        {},
        ("touchpoints", "conversions", "spend", "users"),
    ),
}
