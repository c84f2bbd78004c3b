"""HubSpot: contacts, deals and merged contacts, as objects of the CRM API."""

from tests.inputs.vendors.conftest import at

TOUCHES = "user_id, touched_at, channel, campaign"
CONVERSIONS = "user_id, converted_at, outcome, value, conversion_id"


def contact(number, **properties):
    return {
        "id": str(number),
        "createdAt": "2026-03-01T10:00:00Z",
        "archived": False,
        "properties": {
            "createdate": "2026-03-01T10:00:00Z",
            "hs_object_id": str(number),
            "lifecyclestage": "lead",
            "country": None,
            "hs_merged_object_ids": None,
        }
        | properties,
    }


def seen(source, day, data_1=None, data_2=None, prefix="hs_analytics"):
    time = "hs_analytics_first_timestamp" if prefix == "hs_analytics" else f"{prefix}_timestamp"
    return {
        f"{prefix}_source" if prefix == "hs_analytics" else prefix: source,
        f"{prefix}_source_data_1" if prefix == "hs_analytics" else f"{prefix}_data_1": data_1,
        f"{prefix}_source_data_2" if prefix == "hs_analytics" else f"{prefix}_data_2": data_2,
        time: f"2026-03-0{day}T10:00:00Z",
    }


def latest(*given):
    return seen(*given, prefix="hs_latest_source")


def test_original_and_latest_source(loader):
    contacts = [
        contact(101, **seen("PAID_SEARCH", 1, "spring"), **latest("EMAIL_MARKETING", 4, "news")),
        contact(102, **seen("ORGANIC_SEARCH", 2, "Unknown (SSL)"), **latest("ORGANIC_SEARCH", 2)),
        contact(103, **seen("PAID_SOCIAL", 3, "LinkedIn", "leads")),
        contact(104, **seen("OFFLINE", 3, "IMPORT")),
        contact(105, **seen("DIRECT_TRAFFIC", 3, "shop.example/")),
        contact(106),
    ]  # fmt: skip
    assert loader.load("hubspot", "touchpoints", TOUCHES, contacts=contacts) == [
        ("101", at(1, 10), "Paid Search", "spring"),
        ("101", at(4, 10), "Email", "news"),
        ("102", at(2, 10), "Organic Search", None),
        ("103", at(3, 10), "Paid Social", "leads"),
        ("104", at(3, 10), "Offline", None),
        ("105", at(3, 10), "Direct", None),
    ]


def test_merged_contacts_are_one_user(loader):
    """201 was merged into 202, and 202 into 203, in exports of different days."""
    contacts = [
        contact(201, **seen("PAID_SEARCH", 1, "spring")),
        contact(202, **seen("REFERRALS", 2), hs_merged_object_ids="201"),
        contact(203, **seen("EMAIL_MARKETING", 3, "news"), hs_merged_object_ids="201;202"),
    ]
    assert loader.load("hubspot", "touchpoints", TOUCHES, contacts=contacts) == [
        ("203", at(1, 10), "Paid Search", "spring"),
        ("203", at(2, 10), "Referral", None),
        ("203", at(3, 10), "Email", "news"),
    ]
    assert loader.load("hubspot", "users", "user_id, lifecycle_stage", contacts=contacts) == [
        ("203", "lead")
    ]


def deal(number, contacts, history=None, amount=None, **more):
    row = {
        "id": str(number),
        "archived": False,
        "properties": {
            "amount": amount, "dealstage": "closedwon", "closedate": "2026-03-09T10:00:00Z",
            "createdate": "2026-03-01T10:00:00Z", "pipeline": "default",
        },
        "associations": {
            "contacts": {
                "results": [{"id": str(c), "type": "deal_to_contact"} for c in contacts]
            }
        },
    } | more  # fmt: skip
    if history is not None:
        stages = [
            {"value": s, "timestamp": f"2026-03-0{d}T10:00:00Z", "sourceType": "CRM_UI"}
            for s, d in history
        ]
        row["propertiesWithHistory"] = {"dealstage": stages}
    return row


def test_the_first_time_in_each_stage_is_a_conversion(loader):
    contacts = [contact(101), contact(203, hs_merged_object_ids="201;202")]
    history = [("closedwon", 8), ("contractsent", 7), ("presentation", 6), ("contractsent", 5)]
    deals = [
        deal(901, [101, 203], history, "1500.50"),
        deal(902, [202], [("presentation", 4), ("closedlost", 5)], ""),
        deal(903, [], [("presentation", 4)]),
        deal(904, [101], [("presentation", 4)], archived=True),
        deal(905, [101], None, "70"),  # without history: won when it was closed
    ]
    found = loader.load("hubspot", "conversions", CONVERSIONS, deals=deals, contacts=contacts)
    assert found == [
        ("101", at(5, 10), "contractsent", 1500.5, "901/contractsent"),
        ("101", at(6, 10), "presentation", 1500.5, "901/presentation"),
        ("101", at(8, 10), "closedwon", 1500.5, "901/closedwon"),
        ("101", at(9, 10), "closedwon", 70, "905/closedwon"),
        ("203", at(4, 10), "presentation", None, "902/presentation"),
    ]
    assert loader.report.bad == {"missing_user_id": 1}


def test_contacts_without_the_property_of_merges(loader):
    """The API returns it only if asked; others, such as createdate, it returns always."""
    row = contact(101)
    del row["properties"]["hs_merged_object_ids"]
    row["properties"]["createdate"] = "2026-03-01T00:00:00Z"
    deals = [deal(1, [101], [("closedwon", 9)], "50")]
    found = loader.load("hubspot", "conversions", "user_id, outcome", contacts=[row], deals=deals)
    assert found == [("101", "closedwon")]
    assert loader.load("hubspot", "users", "user_id", contacts=[row]) == [("101",)]
