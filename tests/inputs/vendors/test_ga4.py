"""The BigQuery export of Google Analytics 4, as JSON lines and as Parquet."""

import datetime as dt

import pytest

from lydite.settings import ChannelSettings
from tests.inputs.vendors.conftest import at


def event(user, day, session, name="page_view", minute=0, url=None, collected=None, **more):
    """Return a row of ``events_*`` as BigQuery exports it to JSON: 64-bit integers are text."""
    moment = at(day, minute=minute).replace(tzinfo=dt.UTC)
    params = [
        {"key": "ga_session_id", "value": {"int_value": str(session)}},
        {"key": "page_title", "value": {"string_value": "Shop"}},
    ]
    if url:
        params.append({"key": "page_location", "value": {"string_value": url}})
    params += [{"key": k, "value": v} for k, v in more.pop("params", {}).items()]
    row = {
        "event_date": f"{moment:%Y%m%d}",
        "event_timestamp": str(int(moment.timestamp()) * 1_000_000),
        "event_name": name,
        "event_params": params,
        "user_pseudo_id": user,
        "platform": "WEB",
        "device": {"category": "mobile", "web_info": {"browser": "Firefox"}},
        "geo": {"country": "Germany"},
        "traffic_source": {"name": "(organic)", "medium": "organic", "source": "google"},
        **more,
    }
    return row | ({"collected_traffic_source": collected} if collected else {})


def tagged(source=None, medium=None, campaign=None, **ids):
    values = {"manual_source": source, "manual_medium": medium, "manual_campaign_name": campaign}
    return {k: v for k, v in (values | ids).items() if v}


TOUCHES = "user_id, touched_at, channel, campaign"


def test_a_touch_per_session_and_change_of_source(loader):
    events = [
        event("1.1", 1, 100, "session_start"),
        event("1.1", 1, 100, collected=tagged("google", "cpc", "spring")),
        event("1.1", 1, 100, minute=5),  # no source of its own
        event("1.1", 1, 100, minute=6, collected=tagged("google", "cpc", "spring")),
        event("1.1", 1, 100, minute=9, collected=tagged("crm", "email", "news")),
        event("1.1", 2, 200, "session_start"),
        event("1.1", 2, 200, minute=1),
    ]
    assert loader.load("ga4", "touchpoints", TOUCHES, events=events) == [
        ("1.1", at(1), "Paid Search", "spring"),
        ("1.1", at(1, minute=9), "Email", "news"),
        ("1.1", at(2), "Direct", None),
    ]


def test_a_session_id_belongs_to_one_user(loader):
    """The id is the second of the start: users who start at once share it."""
    events = [
        event("1.1", 1, 100, collected=tagged("google", "organic", "(organic)")),
        event("2.2", 1, 100, collected=tagged("l.facebook.com", "referral", "(referral)")),
    ]
    assert loader.load("ga4", "touchpoints", TOUCHES, events=events) == [
        ("1.1", at(1), "Organic Search", None),
        ("2.2", at(1), "Organic Social", None),
    ]


@pytest.mark.parametrize(
    ("collected", "url"),
    [
        (tagged("google", "organic", "(organic)", gclid="Cj0K"), None),
        (tagged("google", "organic"), "https://shop.example/?gclid=Cj0K"),
        (tagged(gclid="Cj0K"), None),
        (None, "https://shop.example/?gbraid=0AA"),
    ],
)
def test_a_google_click_id_overrides_organic(loader, collected, url):
    events = [event("1.1", 1, 100, collected=collected, url=url)]
    found = loader.load("ga4", "touchpoints", TOUCHES, events=events)
    assert found == [("1.1", at(1), "Paid Search", None)]


def test_an_event_that_google_adds_to_a_session_is_no_change_of_source(loader):
    """``session_start`` has the URL of the first page, but not its source."""
    url = "https://shop.example/?gclid=Cj0K"
    events = [event("1.1", 1, 100, name, url=url) for name in ("first_visit", "session_start")] + [
        event("1.1", 1, 100, url=url, collected=tagged("google", "cpc", "spring"))
    ]
    events += [event("1.1", 1, 100, "scroll", minute=1, url=url)]  # on the same page
    events += [event("2.2", 1, 100, "session_start", url=url)]
    assert loader.load("ga4", "touchpoints", TOUCHES, events=events) == [
        ("1.1", at(1), "Paid Search", "spring"),
        ("2.2", at(1), "Paid Search", None),
    ]


def test_old_exports_have_the_source_in_the_parameters(loader):
    params = {"source": {"string_value": "bing"}, "medium": {"string_value": "organic"}}
    events = [event("1.1", 1, 100, params=params)]
    found = loader.load("ga4", "touchpoints", TOUCHES, events=events)
    assert found == [("1.1", at(1), "Organic Search", None)]


def test_payment_providers_and_the_own_site_continue_the_visit(loader):
    events = [
        event("1.1", 1, 100, collected=tagged("crm", "email", "news")),
        event("1.1", 1, 101, minute=40, collected=tagged("paypal.com", "referral", "(referral)")),
        event("1.1", 3, 300, collected=tagged("www.shop.example", "referral", "(referral)")),
        event("2.2", 4, 400, collected=tagged("shop.example", "referral", "(referral)")),
    ]
    names = ChannelSettings(exclude_referrals=("shop.example",))
    assert loader.load("ga4", "touchpoints", TOUCHES, names, events=events) == [
        ("1.1", at(1), "Email", "news"),
        ("1.1", at(1, minute=40), "Email", "news"),
        ("1.1", at(3), "Email", "news"),
        ("2.2", at(4), "Direct", None),
    ]


def test_events_without_consent_are_set_aside(loader):
    events = [event(None, 1, 100), event("1.1", 1, 100)]
    assert len(loader.load("ga4", "touchpoints", TOUCHES, events=events)) == 1
    assert loader.report.bad == {"missing_user_id": 1}


CONVERSIONS = "user_id, converted_at, outcome, value, conversion_id"


def purchase(user, day, order_id, revenue, name="purchase", **more):
    key = "refund_value" if name == "refund" else "purchase_revenue"
    ecommerce = {"transaction_id": order_id, key: revenue, "unique_items": "1"}
    return event(user, day, 1, name, ecommerce=ecommerce, **more)


def test_purchases_refunds_and_leads(loader):
    lead = {"value": {"int_value": "20"}}
    events = [
        purchase("1.1", 1, "A1", 80.5),
        purchase("1.1", 1, "A1", 80.5, minute=3),  # the page was loaded again
        purchase("2.2", 2, "A2", 50),
        purchase("2.2", 5, "A2", 20, "refund"),
        event("3.3", 3, 1, "generate_lead", params=lead),
        event("3.3", 3, 1, "scroll"),
    ]
    assert loader.load("ga4", "conversions", CONVERSIONS, events=events) == [
        ("1.1", at(1), "purchase", 80.5, "A1"),
        ("2.2", at(2), "purchase", 30, "A2"),
        ("3.3", at(3), "generate_lead", 20, None),
    ]
    assert loader.report.bad == {"repeated_id": 1}


def test_orders_that_are_not_set_stay_apart(loader):
    events = [purchase("1.1", 1, "(not set)", 10), purchase("2.2", 2, "(not set)", 20)]
    assert loader.load("ga4", "conversions", CONVERSIONS, events=events) == [
        ("1.1", at(1), "purchase", 10, None),
        ("2.2", at(2), "purchase", 20, None),
    ]


def test_users(loader):
    events = [
        event("1.1", 2, 2, device={"category": "desktop"}),
        event("1.1", 1, 1),
        event(None, 1, 1),
    ]
    found = loader.load("ga4", "users", "user_id, device, country, platform", events=events)
    assert found == [("1.1", "mobile", "Germany", "WEB")]


def test_parquet_as_bigquery_writes_it(loader):
    """Nested columns and integers, in two files of which one lacks a column."""
    text = loader.place("events", [event("1.1", 1, 100, collected=tagged("a.example", "referral"))])
    text2 = loader.place("more", [event("1.1", 2, 200)])
    typed = "* replace (cast(event_timestamp as bigint) as event_timestamp)"
    for number, path in enumerate([text, text2]):
        loader.engine.run(
            f"copy (select {typed} from read_json('{path}'))"
            f" to '{loader.folder}/events_{number}.parquet'"
        )
    loader.place = lambda name, content: content
    found = loader.load("ga4", "touchpoints", TOUCHES, events=f"{loader.folder}/events_*.parquet")
    assert found == [("1.1", at(1), "Referral", None), ("1.1", at(2), "Direct", None)]


def test_browsers_are_paired_with_users_from_their_first_event_together(loader):
    start = 1772409600000000  # 2026-03-02
    events = [
        {"user_pseudo_id": "p1", "user_id": None, "event_timestamp": start - 10},
        {"user_pseudo_id": "p1", "user_id": "u1", "event_timestamp": start + 10},
        {"user_pseudo_id": "p1", "user_id": "u1", "event_timestamp": start},
    ]
    columns = "anonymous_id, user_id, seen_at"
    found = loader.load("ga4", "identities", columns, events=events)
    assert found == [("p1", "u1", at(2))]
