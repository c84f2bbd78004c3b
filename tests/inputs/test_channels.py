"""Channels: default groups, click ids, the mapping, excluded referrals, and notes about them."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.inputs import LoadOptions, load_table
from lydite.inputs.channels import channel_notes, create_macros, read_mapping
from lydite.settings import ChannelSettings
from tests.helpers.examples import examples

NOW = dt.datetime(2026, 7, 1)
URL = "https://shop.example/a?utm_id=1"


@pytest.fixture(scope="module")
def macros():
    with DuckDBEngine(threads=1) as engine:
        create_macros(engine)
        yield engine


def call(engine, name, *values):
    marks = ", ".join(f"${chr(97 + i)}" for i in range(len(values)))
    named = {chr(97 + i): value for i, value in enumerate(values)}
    return engine.scalar(f"select {name}({marks})", named)


# One case or more for each row of the table in Google's article.
@pytest.mark.parametrize(
    ("source", "medium", "campaign", "group"),
    [
        ("(direct)", "(none)", None, "Direct"),
        ("(direct)", "(not set)", "brand", "Direct"),
        (None, None, None, "Direct"),
        ("google", "cpc", "Cross-network 2026", "Cross-network"),
        ("google", "cpc", "shop spring", "Paid Shopping"),
        ("google", "cpc", "Spring Shopping", "Paid Shopping"),
        ("google", "cpc", "workshop", "Paid Search"),  # the letter before "shop" is e or none
        ("ebay.de", "paid", None, "Paid Shopping"),
        ("google", "cpc", None, "Paid Search"),
        ("BING", "PPC", None, "Paid Search"),
        ("yahoo", "retargeting", None, "Paid Search"),
        ("facebook", "paid-social", None, "Paid Social"),
        ("ig", "cpm", None, "Paid Social"),
        ("youtube.com", "cpv-cpc", None, "Paid Video"),
        ("adnetwork", "display", None, "Display"),
        ("adnetwork", "cpm", None, "Display"),
        ("adnetwork", "interstitial", None, "Display"),
        ("adnetwork", "cpc", None, "Paid Other"),
        ("adnetwork", "cpa", None, "Paid Other"),
        ("amazon.co.uk", "referral", None, "Organic Shopping"),
        ("partner", "link", "spring-shop", "Organic Shopping"),
        ("l.facebook.com", "referral", None, "Organic Social"),
        ("partner", "Social Media", None, "Organic Social"),
        ("t.co", None, None, "Organic Social"),
        ("vimeo.com", "referral", None, "Organic Video"),
        ("partner", "newsvideos", None, "Organic Video"),
        ("google", "organic", None, "Organic Search"),
        ("www.google.co.uk", "referral", None, "Organic Search"),
        ("unknown-engine", "organic", None, "Organic Search"),
        ("blog.example", "referral", None, "Referral"),
        ("partner", "app", None, "Referral"),
        ("newsletter", "E-Mail", None, "Email"),
        ("e_mail", "crm", None, "Email"),
        ("partner", "affiliate", None, "Affiliates"),
        ("podcast", "audio", None, "Audio"),
        ("sms", None, None, "SMS"),
        ("crm", "sms", None, "SMS"),
        ("crm", "web-push", None, "Mobile Push Notifications"),
        ("crm", "mobile-app", None, "Mobile Push Notifications"),
        ("firebase", "x", None, "Mobile Push Notifications"),
        ("(not set)", "(not set)", None, "Unassigned"),
        ("newsletter", "banner-ad", None, "Unassigned"),
    ],
)
def test_default_channel_group(macros, source, medium, campaign, group):
    assert call(macros, "default_channel_group", source, medium, campaign) == group


@pytest.mark.parametrize(
    ("source", "medium", "click_ids", "group"),
    [
        ("google", "organic", f"{URL}&gclid=Cj0", "Paid Search"),
        ("google", "organic", f"{URL}&gclid=", "Organic Search"),
        ("google", "organic", f"{URL}&notgclid=1", "Organic Search"),
        ("google", "organic", None, "Organic Search"),
        (None, None, "gbraid", "Paid Search"),
        (None, None, "utm_id;wbraid", "Paid Search"),
        (None, None, f"{URL}&msclkid=a", "Paid Search"),
        (None, None, f"{URL}#dclid=a", "Display"),
        ("tiktok.com", "referral", f"{URL}&ttclid=a", "Paid Social"),
        ("facebook.com", "referral", f"{URL}&fbclid=a", "Organic Social"),
        ("newsletter", "email", f"{URL}&gclid=a", "Email"),
    ],
)
def test_click_ids_decide_unless_somebody_set_the_medium(macros, source, medium, click_ids, group):
    assert call(macros, "default_channel", source, medium, None, click_ids) == group


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://user:pw@www.Shop.example:8080/a?b=//c", "shop.example"),
        ("//shop.example", "shop.example"),
        ("shop.example/path", "shop.example"),
        ("android-app://com.google.android.gm/", "com.google.android.gm"),
        ("  ", None),
        (None, None),
    ],
)
def test_host_of_a_url(macros, url, host):
    assert call(macros, "url_host", url) == host


# --- loading --------------------------------------------------------------------------------------

COLUMNS = ("source", "medium", "campaign", "click_ids", "referrer")


def visits(*rows):
    """Return touchpoints of one user, a day apart, with `COLUMNS`; a row may stop early."""
    full = [(*row, *[None] * (len(COLUMNS) - len(row))) for row in rows]
    frame = pd.DataFrame(full, columns=list(COLUMNS), dtype=object)
    frame.insert(0, "user_id", "ann")
    frame.insert(1, "touched_at", [dt.datetime(2026, 3, 1 + i) for i in range(len(rows))])
    return frame


@pytest.fixture
def channels(engine):
    """Load touchpoints; return their channels in the order of time."""

    def channels(frame, **named):
        load_table(
            engine, "touchpoints", frame, LoadOptions(now=NOW, names=ChannelSettings(**named))
        )
        rows = engine.rows("select channel from inputs.touchpoints order by user_id, touched_at")
        return [channel for (channel,) in rows]

    return channels


@pytest.fixture
def mapping(write):
    def mapping(*lines):
        return str(write("channels.csv", "\n".join(["pattern,channel", *lines])))

    return mapping


def test_touchpoints_need_no_channel_where_they_have_source_and_medium(engine, channels):
    frame = visits(("google", "cpc"), ("google", "organic", None, "?gclid=1"), (None, None))
    assert channels(frame) == ["Paid Search", "Paid Search", "Direct"]
    assert list(engine.columns("inputs.touchpoints"))[:4] == [
        "user_id", "touched_at", "channel", "campaign"
    ]  # fmt: skip


def test_a_referrer_counts_where_nothing_else_is_known(channels):
    google, blog = "https://www.google.com/", "https://blog.example/post"
    frame = visits(
        (None, None, None, None, google),
        (None, None, None, None, blog),
        ("(direct)", "(none)", None, None, blog),
        ("newsletter", "email", None, None, google),
    )
    assert channels(frame) == ["Organic Search", "Referral", "Referral", "Email"]


def test_a_channel_of_the_source_is_kept(channels):
    frame = visits(("google", "cpc"), ("google", "cpc")).assign(channel=["SEA", None])
    assert channels(frame) == ["SEA", "Paid Search"]


def test_a_column_source_alone_is_no_traffic_source(refused):
    refused(visits(("google",))[["user_id", "touched_at", "source"]], "'channel'", "'medium'")


def test_the_first_rule_of_the_mapping_that_matches_decides(channels, mapping):
    path = mapping(
        "google / cpc / brand*,Brand", "Google / CPC,Generic", "*face?ook*,Meta", "email,Letters",
        "* / partner*,Partners",
    )  # fmt: skip
    frame = visits(
        ("google", "cpc", "Brand DE"),
        ("google", "cpc", "no brand"),
        ("google", "organic", None, "?gclid=1"),
        ("m.facebook.com", "referral"),
        ("crm", "e-mail"),
        ("x", "Partner-1"),
        ("x", "a / partner"),
        (None, None),
    )
    assert channels(frame, mapping=path) == [
        "Brand", "Generic", "Generic", "Meta", "Letters", "Partners", "Unassigned", "Direct",
    ]  # fmt: skip


def test_the_mapping_renames_channels_of_the_source(channels, mapping):
    frame = visits((), ()).drop(columns=list(COLUMNS)).assign(channel=["fb ads", "100%_off"])
    path = mapping("FB*,Social", '"100\\%_off",Odd', '"%",Wrong', "100%_off,Coupons")
    assert channels(frame, mapping=path) == ["Social", "Coupons"]


def test_direct_visits_can_be_mapped(channels, mapping):
    path = mapping("(direct) / (none),Typed in")
    assert channels(visits((None, None), ("a", "b")), mapping=path) == ["Typed in", "Unassigned"]


def test_spend_has_the_channel_of_its_visits(engine, mapping):
    spend = pd.DataFrame(
        {"date": ["2026-03-01"] * 2, "source": ["google", "x"], "medium": "cpc", "cost": [5, 7]}
    )
    names = ChannelSettings(mapping=mapping("x / cpc,X ads"))
    load_table(engine, "spend", spend, LoadOptions(now=NOW, names=names))
    assert engine.rows("select channel, cost from inputs.spend order by cost") == [
        ("Paid Search", 5.0), ("X ads", 7.0)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("pattern;channel\na;b\n", ["'pattern' and 'channel'"]),
        ("pattern,channel\n,b\n", ["line 2"]),
        ("pattern,channel\na,b\na / b / c / d,e\n", ["line 3", "three parts"]),
    ],
)
def test_a_wrong_mapping_is_refused(write, text, parts):
    with pytest.raises(InputError) as caught:
        read_mapping(write("channels.csv", text))
    assert all(part in str(caught.value) for part in ("channels.mapping", *parts))


def test_a_missing_mapping_is_refused():
    with pytest.raises(InputError, match="no such file"):
        read_mapping("nowhere.csv")


# --- excluded referrals ---------------------------------------------------------------------------


def test_an_excluded_referral_takes_the_channel_before(channels, engine):
    frame = visits(
        ("checkout.shop.example", "referral"),  # nothing before: direct
        ("google", "cpc", "spring"),
        (None, None, None, None, "https://www.paypal.com/checkout"),
        ("www.shop.example", "referral"),
        ("newsletter", "email"),
        ("paypal.com", "referral", "(not set)"),
        ("paypal.com", "cpc"),  # an ad, not the way back from the payment
        ("notpaypal.com", "referral"),
    )
    assert channels(frame, exclude_referrals=("https://shop.example/",)) == [
        "Direct", "Paid Search", "Paid Search", "Paid Search", "Email", "Email", "Paid Other",
        "Referral",
    ]  # fmt: skip
    campaigns = engine.rows("select campaign from inputs.touchpoints order by touched_at")
    assert [c for (c,) in campaigns[1:6]] == ["spring", "spring", "spring", None, None]


def test_a_mapping_overrides_the_exclusion(channels, mapping):
    frame = visits(("google", "cpc"), ("paypal.com", "referral"))
    found = channels(frame, mapping=mapping("paypal.com,Payment"))
    assert found == ["Paid Search", "Payment"]


def test_touches_that_are_set_aside_pass_no_channel_on(channels):
    frame = visits(("google", "cpc"), ("paypal.com", "referral")).assign(
        touched_at=[None, "2026-03-01"]
    )
    assert channels(frame) == ["Direct"]


KINDS = [("google", "cpc"), ("crm", "email"), ("paypal.com", "referral"), (None, None)]
NAMES = ["Paid Search", "Email", None, "Direct"]


@examples(40)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.integers(0, 3)),
        min_size=1,
        max_size=12,
        unique_by=lambda row: row[:2],
    )
)
def test_the_channel_before_is_the_one_of_the_users_last_other_touch(rows):
    frame = pd.DataFrame(
        [(user, dt.datetime(2026, 3, 1 + day), *KINDS[kind]) for user, day, kind in rows],
        columns=["user_id", "touched_at", "source", "medium"],
    )
    with DuckDBEngine(threads=1) as engine:
        load_table(engine, "touchpoints", frame, LoadOptions(now=NOW))
        found = engine.rows(
            "select user_id, day(touched_at) - 1, channel from inputs.touchpoints order by all"
        )
    expected, last = [], {}
    for user, day, kind in sorted(rows):
        name = NAMES[kind] or last.get(user, "Direct")
        last[user] = name
        expected.append((user, day, name))
    assert found == expected


# --- notes ----------------------------------------------------------------------------------------


def test_notes_name_what_was_excluded_unassigned_and_alike(engine, channels):
    channels(visits(("paypal.com", "referral"), ("x", "y"), ("x", "y"), ("google", "cpc")))
    engine.create(
        "journeys.channels", "select unnest(['Email', 'e mail', 'EMAIL', 'Direct']) as channel"
    )
    notes = dict(channel_notes(engine))
    assert "paypal.com (1)" in notes["excluded_referrals"]
    assert "2 touches are Unassigned" in notes["unassigned_channel"]
    assert "'x / y' (2)" in notes["unassigned_channel"]
    assert "'EMAIL' and 'Email' and 'e mail'" in notes["similar_channels"]


def test_there_are_no_notes_about_plain_channels(engine, channels):
    channels(visits(()).drop(columns=list(COLUMNS)).assign(channel="tv"))
    engine.create("journeys.channels", "select 'tv' as channel")
    assert channel_notes(engine) == []


def test_a_later_load_without_sources_leaves_no_notes(engine, channels):
    channels(visits(("x", "y")))
    channels(visits(()).drop(columns=list(COLUMNS)).assign(channel="tv"))
    assert not engine.exists("inputs.channels_of_touchpoints")
    assert engine.rows("select table_name from duckdb_tables() where schema_name = 'raw'") == []


def test_selects_of_users_can_use_the_macros(channels, write):
    select = write(
        "t.sql",
        "select 'ann' as user_id, timestamp '2026-03-01' as touched_at,"
        " default_channel('google', 'organic', null, 'gclid') as channel",
    )
    assert channels(select) == ["Paid Search"]
