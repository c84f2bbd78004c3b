"""A plain table of sessions with UTM parameters, and one of orders."""

from tests.inputs.vendors.conftest import at


def test_sessions(loader):
    sessions = (
        "user_id,started_at,session_id,utm_source,utm_medium,utm_campaign,landing_page,referrer\n"
        "007,2026-03-01 10:00:00,s1,google,cpc,spring,https://shop.example/,\n"
        "007,2026-03-02 10:00:00,s2,,,,https://shop.example/?gclid=x,https://www.google.com/\n"
        "007,2026-03-03 10:00:00,s3,,,,https://shop.example/,https://www.bing.com/\n"
        "007,2026-03-04 10:00:00,s4,,,,https://shop.example/,\n"
    )
    columns = "user_id, touched_at, channel, campaign, touchpoint_id"
    assert loader.load("sessions", "touchpoints", columns, sessions=sessions) == [
        ("007", at(1, 10), "Paid Search", "spring", "s1"),
        ("007", at(2, 10), "Paid Search", None, "s2"),
        ("007", at(3, 10), "Organic Search", None, "s3"),
        ("007", at(4, 10), "Direct", None, "s4"),
    ]


def test_two_columns_are_enough(loader):
    sessions = "user_id,started_at\n1,2026-03-01 10:00:00\n"
    assert loader.load("sessions", "touchpoints", "channel", sessions=sessions) == [("Direct",)]


def test_orders(loader):
    orders = "user_id,ordered_at,order_id,revenue\n007,2026-03-01 10:00:00,A1,80.50\n"
    columns = "user_id, converted_at, outcome, value, conversion_id"
    assert loader.load("sessions", "conversions", columns, orders=orders) == [
        ("007", at(1, 10), "purchase", 80.5, "A1")
    ]
