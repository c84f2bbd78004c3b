"""Matomo: the tables log_visit and log_conversion."""

from tests.inputs.vendors.conftest import at

TOUCHES = "user_id, touched_at, channel, campaign"
CONVERSIONS = "user_id, converted_at, outcome, value, conversion_id"
VISITS = """\
idvisit,idsite,idvisitor,user_id,visit_first_action_time,referer_type,referer_name,referer_url,referer_keyword,location_country
1,1,8A1B2C3D4E5F6071,,2026-03-01 10:00:00,6,spring sale,,shoes,de
2,1,8A1B2C3D4E5F6071,,2026-03-02 10:00:00,2,Google,https://www.google.com/,,de
3,1,8A1B2C3D4E5F6071,,2026-03-03 10:00:00,3,blog.example,https://blog.example/a,,de
4,1,8A1B2C3D4E5F6071,,2026-03-04 10:00:00,7,Facebook,https://m.facebook.com/,,de
5,1,8A1B2C3D4E5F6071,,2026-03-05 10:00:00,1,,,,at
6,1,8A1B2C3D4E5F6071,,2026-03-06 10:00:00,3,paypal.com,https://www.paypal.com/,,at
"""
USER = "8a1b2c3d4e5f6071"


def test_visits_by_the_type_of_their_referrer(loader):
    assert loader.load("matomo", "touchpoints", TOUCHES, visits=VISITS) == [
        (USER, at(1, 10), "Unassigned", "spring sale"),
        (USER, at(2, 10), "Organic Search", None),
        (USER, at(3, 10), "Referral", None),
        (USER, at(4, 10), "Organic Social", None),
        (USER, at(5, 10), "Direct", None),
        (USER, at(6, 10), "Direct", None),  # from a payment provider, after a direct visit
    ]


def test_the_plugin_knows_source_and_medium_of_campaigns(loader):
    visits = (
        "idvisit,idvisitor,visit_first_action_time,referer_type,referer_name,"
        "campaign_name,campaign_source,campaign_medium\n"
        "1,8A1B2C3D4E5F6071,2026-03-01 10:00:00,6,spring sale,Spring,crm,email\n"
    )
    assert loader.load("matomo", "touchpoints", TOUCHES, visits=visits) == [
        (USER, at(1, 10), "Email", "Spring")
    ]


def test_visitor_ids_are_binary_in_the_database(loader):
    path = loader.place("visits", VISITS)
    loader.engine.run(
        f"copy (select * replace (unhex(idvisitor) as idvisitor) from read_csv('{path}'))"
        f" to '{loader.folder}/visits.parquet'"
    )
    loader.place = lambda name, content: content
    found = loader.load("matomo", "touchpoints", TOUCHES, visits=f"{loader.folder}/visits.parquet")
    assert {user for user, *_ in found} == {USER}
    users = loader.load(
        "matomo", "users", "user_id, country", visits=f"{loader.folder}/visits.parquet"
    )
    assert users == [(USER, "de")]


def test_orders_and_goals(loader):
    conversions = (
        "idvisit,idvisitor,server_time,idgoal,buster,idorder,revenue\n"
        "2,8A1B2C3D4E5F6071,2026-03-02 10:05:00,0,123,A1,80.5\n"
        "3,8A1B2C3D4E5F6071,2026-03-03 10:05:00,-1,0,,20\n"
        "4,8A1B2C3D4E5F6071,2026-03-04 10:05:00,7,0,,0\n"
        "5,8A1B2C3D4E5F6071,2026-03-05 10:05:00,7,0,,0\n"
    )
    assert loader.load("matomo", "conversions", CONVERSIONS, conversions=conversions) == [
        (USER, at(2, 10, 5), "purchase", 80.5, "A1"),
        (USER, at(4, 10, 5), "goal_7", 0, "4.7.0"),
        (USER, at(5, 10, 5), "goal_7", 0, "5.7.0"),
    ]
