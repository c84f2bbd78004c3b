"""Segment: the tables pages and tracks, as CSV and as JSON lines."""

from tests.inputs.vendors.conftest import at

TOUCHES = "user_id, touched_at, channel, campaign"
CONVERSIONS = "user_id, converted_at, outcome, value, conversion_id"


def page(number, user, day, minute=0, **more):
    """Return a row of ``pages``."""
    time = f"2026-03-0{day}T00:{minute:02}:00.000Z"
    return {
        "id": f"ajs-{number}",
        "anonymous_id": user,
        "user_id": None,
        "timestamp": time,
        "original_timestamp": time,
        "received_at": time,
        "sent_at": time,
        "url": "https://www.shop.example/a",
        "path": "/a",
    } | more


def test_pages_with_a_campaign_another_site_or_after_a_break(loader):
    own = {"referrer": "https://shop.example/"}
    pages = [
        page(1, "a1", 1, context_campaign_source="google", context_campaign_medium="cpc",
             context_campaign_name="spring"),
        page(2, "a1", 1, 5, **own),
        page(3, "a1", 1, 20, **own),  # within 30 minutes of the page before
        page(4, "a1", 1, 51, **own),  # after 31 minutes: a visit of its own, direct
        page(5, "a1", 2, referrer="https://www.google.com/"),
        page(6, "a1", 2, 1, referrer="https://blog.example/post"),
        page(7, "b2", 3),
    ]  # fmt: skip
    assert loader.load("segment", "touchpoints", TOUCHES, pages=pages) == [
        ("a1", at(1), "Paid Search", "spring"),
        ("a1", at(1, minute=51), "Direct", None),
        ("a1", at(2), "Organic Search", None),
        ("a1", at(2, minute=1), "Referral", None),
        ("b2", at(3), "Direct", None),
    ]


def test_columns_that_segment_has_not_made_are_null(loader):
    """Segment makes a column with its first value: here, no page has a campaign or a referrer."""
    pages = (
        "id,anonymous_id,timestamp,context_page_url,context_page_referrer\n"
        "1,a1,2026-03-01 00:00:00+00,https://shop.example/?gclid=x,https://www.google.com/\n"
        "2,a1,2026-03-02 00:00:00+00,https://shop.example/,https://shop.example/\n"
    )
    assert loader.load("segment", "touchpoints", TOUCHES, pages=pages) == [
        ("a1", at(1), "Paid Search", None),
        ("a1", at(2), "Direct", None),
    ]


def test_the_way_back_from_the_payment_continues_the_visit(loader):
    pages = [
        page(1, "a1", 1, context_campaign_source="crm", context_campaign_medium="email"),
        page(2, "a1", 1, 9, referrer="https://hooks.stripe.com/"),
    ]
    found = loader.load("segment", "touchpoints", "channel", pages=pages)
    assert found == [("Email",), ("Email",)]


def test_orders_refunds_and_other_events(loader):
    def track(number, name, day, **more):
        return page(number, "a1", day) | {"event": name, "event_text": name.title()} | more

    tracks = [
        track(1, "order_completed", 1, order_id="A1", revenue=80.5, total=90),
        track(2, "order_completed", 2, order_id="A2", revenue=30),
        track(3, "order_refunded", 3, order_id="A1", total=40),
        track(4, "signed_up", 4),
        track(5, "product_viewed", 4),
    ]
    assert loader.load("segment", "conversions", CONVERSIONS, tracks=tracks) == [
        ("a1", at(1), "order_completed", 50, "A1"),
        ("a1", at(2), "order_completed", 30, "A2"),
        ("a1", at(4), "signed_up", None, "ajs-4"),
    ]


def test_the_table_tracks_has_no_values(loader):
    tracks = (
        "id,anonymous_id,timestamp,event,event_text\n"
        "1,a1,2026-03-01 00:00:00+00,order_completed,Order Completed\n"
    )
    assert loader.load("segment", "conversions", CONVERSIONS, tracks=tracks) == [
        ("a1", at(1), "order_completed", None, "1")
    ]


def test_browsers_are_paired_with_users_from_their_first_identify_call(loader):
    identifies = [
        {"anonymous_id": who, "user_id": user, "timestamp": f"2026-03-0{day}T00:00:00.000Z"}
        for who, user, day in [("a1", "u1", 3), ("a1", "u1", 2), ("b2", "u1", 4), ("c3", None, 1)]
    ]
    columns = "anonymous_id, user_id, seen_at"
    assert loader.load("segment", "identities", columns, identifies=identifies) == [
        ("a1", "u1", at(2)),
        ("b2", "u1", at(4)),
    ]
