"""Snowplow: atomic events, and the tables of the unified package."""

from lydite.settings import ChannelSettings
from tests.inputs.vendors.conftest import at

TOUCHES = "user_id, touched_at, channel, campaign"
CONVERSIONS = "user_id, converted_at, outcome, value, conversion_id"
ACTION = "unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1"
BOUGHT = "contexts_com_snowplowanalytics_snowplow_ecommerce_transaction_1"


def event(number, user, session, day, minute=0, **more):
    """Return a row of ``atomic.events`` with the fields that every event has."""
    return {
        "app_id": "shop",
        "platform": "web",
        "event": "page_view",
        "event_id": f"e{number}",
        "domain_userid": user,
        "domain_sessionid": session,
        "collector_tstamp": f"2026-03-0{day}T00:{minute:02}:01.500Z",
        "derived_tstamp": f"2026-03-0{day}T00:{minute:02}:00.000Z",
        "page_url": "https://shop.example/",
        "geo_country": "DE",
    } | more


def test_a_touch_per_session_and_change_of_source(loader):
    internal = {"refr_medium": "internal", "refr_urlhost": "shop.example"}
    events = [
        event(1, "d1", "s1", 1, mkt_source="google", mkt_medium="cpc", mkt_campaign="spring"),
        event(2, "d1", "s1", 1, 2, **internal),
        event(3, "d1", "s1", 1, 9, mkt_source="crm", mkt_medium="email", mkt_campaign="news"),
        event(4, "d1", "s2", 2, refr_medium="search", refr_source="Google"),
        event(5, "d1", "s3", 3, refr_medium="social", refr_source="Facebook"),
        event(6, "d1", "s4", 4, refr_medium="unknown", refr_urlhost="blog.example"),
        event(7, "d1", "s5", 5),
        event(8, "d1", "s6", 6, **internal),
        event(9, "d1", "s6", 6, 1, event="page_ping"),
    ]
    assert loader.load("snowplow", "touchpoints", TOUCHES, events=events) == [
        ("d1", at(1), "Paid Search", "spring"),
        ("d1", at(1, minute=9), "Email", "news"),
        ("d1", at(2), "Organic Search", None),
        ("d1", at(3), "Organic Social", None),
        ("d1", at(4), "Referral", None),
        ("d1", at(5), "Direct", None),
        ("d1", at(6), "Direct", None),
    ]


def test_events_that_are_delivered_twice_count_once(loader):
    tags = {"mkt_source": "google", "mkt_medium": "cpc"}
    events = [event(1, "d1", "s1", 1, **tags)] * 2 + [event(1, "d1", "s1", 1, 0, **tags)]
    assert len(loader.load("snowplow", "touchpoints", TOUCHES, events=events)) == 1


def test_click_ids_count_where_no_medium_is_set(loader):
    search = {"refr_medium": "search", "refr_source": "Google"}
    events = [
        event(1, "d1", "s1", 1, mkt_clickid="Cj0K", mkt_network="Google", **search),
        event(2, "d1", "s2", 2, page_url="https://shop.example/?gclid=Cj0K", **search),
        event(3, "d1", "s3", 3, mkt_clickid="x", mkt_network="DoubleClick"),
    ]
    found = loader.load("snowplow", "touchpoints", "channel", events=events)
    assert found == [("Display",), ("Paid Search",), ("Paid Search",)]


def test_a_payment_provider_continues_the_visit(loader):
    events = [
        event(1, "d1", "s1", 1, mkt_source="crm", mkt_medium="email"),
        event(2, "d1", "s2", 2, refr_medium="unknown", refr_urlhost="www.paypal.com"),
    ]
    found = loader.load("snowplow", "touchpoints", "channel", events=events)
    assert found == [("Email",), ("Email",)]


def test_transactions_of_both_kinds(loader):
    events = [
        event(1, "d1", "s1", 1),
        event(2, "d1", "s1", 1, 5, event="transaction", tr_orderid="A1", tr_total=80.5),
        event(2, "d1", "s1", 1, 6, event="transaction", tr_orderid="A1", tr_total=80.5),
        event(3, "d2", "s2", 2, event="unstruct", **{
            ACTION: {"type": "transaction"},
            BOUGHT: [{"transaction_id": "B1", "revenue": 30, "currency": "EUR"}],
        }),
        event(4, "d2", "s2", 2, event="unstruct", **{ACTION: {"type": "add_to_cart"}}),
    ]  # fmt: skip
    assert loader.load("snowplow", "conversions", CONVERSIONS, events=events) == [
        ("d1", at(1, minute=5), "purchase", 80.5, "A1"),
        ("d2", at(2), "purchase", 30, "B1"),
    ]


def test_users(loader):
    events = [event(2, "d1", "s1", 2, geo_country="AT"), event(1, "d1", "s1", 1)]
    found = loader.load("snowplow", "users", "user_id, platform, country", events=events)
    assert found == [("d1", "web", "DE")]


SESSION = {
    "app_id": "shop", "platform": "web", "session_identifier": "s1", "user_identifier": "d1",
    "stitched_user_id": None, "start_tstamp": "2026-03-01 10:00:00", "refr_medium": None,
    "mkt_source": None, "mkt_medium": None, "mkt_campaign": None, "mkt_clickid": None,
    "mkt_network": None, "first_page_url": "https://shop.example/",
    "default_channel_group": "Direct",
}  # fmt: skip


def test_unified_sessions_are_touches_of_the_stitched_user(loader):
    sessions = [
        SESSION | {"mkt_source": "google", "mkt_medium": "cpc", "mkt_campaign": "spring"},
        SESSION | {"session_identifier": "s2", "start_tstamp": "2026-03-02 10:00:00",
                   "stitched_user_id": "ann", "refr_medium": "search", "refr_source": "Bing"},
        SESSION | {"session_identifier": "s3", "start_tstamp": "2026-03-03 10:00:00"},
    ]  # fmt: skip
    assert loader.load("snowplow_unified", "touchpoints", TOUCHES, sessions=sessions) == [
        ("ann", at(2, 10), "Organic Search", None),
        ("d1", at(1, 10), "Paid Search", "spring"),
        ("d1", at(3, 10), "Direct", None),
    ]


def test_unified_conversions_have_types(loader):
    row = {
        "cv_id": "c1", "event_id": "e1", "session_identifier": "s1", "user_identifier": "d1",
        "stitched_user_id": "ann", "cv_type": "purchase", "cv_value": 80.5,
        "cv_tstamp": "2026-03-02 11:00:00",
    }  # fmt: skip
    rows = [row, row | {"cv_id": "c2", "cv_type": "sign_up", "cv_value": None}]
    assert loader.load("snowplow_unified", "conversions", CONVERSIONS, conversions=rows) == [
        ("ann", at(2, 11), "purchase", 80.5, "c1"),
        ("ann", at(2, 11), "sign_up", None, "c2"),
    ]


def test_the_mapping_applies_to_what_the_select_gives(loader):
    path = loader.place("mapping", "pattern,channel\nGoogle / organic,SEO\n")
    events = [event(4, "d1", "s2", 2, refr_medium="search", refr_source="Google")]
    names = ChannelSettings(mapping=path)
    assert loader.load("snowplow", "touchpoints", "channel", names, events=events) == [("SEO",)]


def test_browsers_are_paired_with_users_from_their_first_event_together(loader):
    events = (
        "domain_userid,user_id,derived_tstamp,event\n"
        "d1,,2026-03-01 00:00:00,page_view\n"
        "d1,u1,2026-03-03 00:00:00,page_view\n"
        "d1,u1,2026-03-02 00:00:00,page_view\n"
    )
    columns = "anonymous_id, user_id, seen_at"
    found = loader.load("snowplow", "identities", columns, events=events)
    assert found == [("d1", "u1", at(2))]
