"""Spend reports of Google Ads, Meta and LinkedIn: a row per day, channel and campaign."""

import datetime as dt

SPEND = "date, channel, campaign, round(cost, 6)"


def day(number):
    return dt.date(2026, 3, number)


def test_google_ads_cost_is_in_millionths(loader):
    """Rows by device of one campaign are one booking."""
    report = (
        "segments_date,segments_device,campaign_id,campaign_name,"
        "campaign_advertising_channel_type,metrics_cost_micros,metrics_conversions\n"
        "2026-03-01,MOBILE,1,Brand,SEARCH,1230000,2.5\n"
        "2026-03-01,DESKTOP,1,Brand,SEARCH,70000,0\n"
        "2026-03-02,MOBILE,1,Brand,SEARCH,0,0\n"
        "2026-03-01,MOBILE,2,Shoes,SHOPPING,5500000,1\n"
        "2026-03-01,MOBILE,3,All,PERFORMANCE_MAX,9007199254740,1\n"
        "2026-03-01,MOBILE,4,,DISPLAY,1,0\n"
        "2026-03-01,MOBILE,5,Hotel,HOTEL,2000000,0\n"
    )
    assert loader.load("google_ads", "spend", SPEND, report=report) == [
        (day(1), "Cross-network", "All", 9007199.25474),
        (day(1), "Display", "4", 0.000001),
        (day(1), "Paid Search", "Brand", 1.3),
        (day(1), "Paid Search", "Hotel", 2.0),
        (day(1), "Paid Shopping", "Shoes", 5.5),
        (day(2), "Paid Search", "Brand", 0.0),
    ]


def test_meta_spend_is_not_multiplied_by_actions(loader):
    """The actions are nested, by type and attribution window, with views among them."""
    actions = [
        {"action_type": "purchase", "value": "3", "7d_click": "2", "1d_view": "1"},
        {"action_type": "link_click", "value": "40"},
    ]
    row = {
        "date_start": "2026-03-01", "date_stop": "2026-03-01", "campaign_id": "9",
        "campaign_name": "Spring", "spend": "12.34", "impressions": "1000", "actions": actions,
        "action_values": [{"action_type": "purchase", "value": "99.5", "1d_view": "30"}],
    }  # fmt: skip
    insights = [
        row | {"publisher_platform": "facebook"},
        row | {"publisher_platform": "instagram", "spend": "0.66"},
        row | {"date_start": "2026-03-02", "date_stop": "2026-03-02", "actions": None},
        row | {"date_stop": "2026-03-31", "spend": "500"},
    ]
    assert loader.load("meta_ads", "spend", SPEND, insights=insights) == [
        (day(1), "Paid Social", "Spring", 13.0),
        (day(2), "Paid Social", "Spring", 12.34),
    ]
    assert loader.report.bad == {"invalid_date": 1}


def test_linkedin_has_dates_in_parts_and_campaigns_as_urns(loader):
    def element(start, end, cost, **more):
        parts = [{"year": 2026, "month": 3, "day": number} for number in (start, end)]
        return {
            "dateRange": {"start": parts[0], "end": parts[1]},
            "pivotValues": ["urn:li:sponsoredCampaign:123456"],
            "costInLocalCurrency": cost,
            "costInUsd": "999",
            "externalWebsiteConversions": 4,
            "externalWebsitePostViewConversions": 3,
        } | more

    analytics = [element(1, 1, "12.5"), element(2, 2, "7.25"), element(1, 31, "300")]
    assert loader.load("linkedin_ads", "spend", SPEND, analytics=analytics) == [
        (day(1), "Paid Social", "123456", 12.5),
        (day(2), "Paid Social", "123456", 7.25),
    ]
    assert loader.report.bad == {"invalid_date": 1}
