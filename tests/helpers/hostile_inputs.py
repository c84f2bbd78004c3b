"""Hostile journeys and sources: what two engines could read differently."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import polars as pl

START = datetime(2026, 1, 1)
MICROSECOND = timedelta(microseconds=1)
LOOKBACKS = {
    "purchase": timedelta(days=30),
    "lead": timedelta(hours=1),
    "sign up ✓": timedelta(days=7),
}
CHANNELS = [
    *(
        "search",
        "Direct",
        "(none)",
        "e-mail",
        "télé",
        "te\u0301le\u0301",
        "📺",
        "👩‍👩‍👧",
        "ＴＶ",
        "ß",
        "SS",
    ),
    *(
        "'quoted'",
        'dou"ble',
        "back\\slash",
        "a,b;c",
        "%_",
        "ﬁ",
        "İ",
        "\u200b",
        "\u2060x",
        "\ufffd",
        "Z",
        "a",
        "_",
    ),
]
USERS = [
    "ann",
    "Ann",
    "ANN",
    "1",
    "01",
    "🙂",
    "🙃",
    "é",
    "e\u0301",
    "\u200b",
    " ann",
    "ann ",
    "ﬀ",
    "z\u0000",
    "\uffff",
    "𐀀",
]


def touchpoints(users: int = 150, seed: int = 1) -> pl.DataFrame:
    """Draw touchpoints: ties, exact duplicates, missing values, a very long journey."""
    draw = random.Random(seed)
    rows = [
        _touch(draw, user, _instant(draw))
        for user in _names(users)
        for _ in range(draw.choice([0, 1, 1, 2, 3, 5, 8, 60]))
    ]
    rows += [_touch(draw, "long", _instant(draw, 20)) for _ in range(700)]
    rows += [_touch(draw, "at once", START) for _ in range(80)]
    rows += draw.sample(rows, len(rows) // 10)  # sent again
    draw.shuffle(rows)
    return pl.DataFrame(rows, schema=_TOUCHPOINTS, orient="row")


def conversions(users: int = 150, seed: int = 2) -> pl.DataFrame:
    """Draw conversions: at the instants of touches, several at one, and of users never touched."""
    draw = random.Random(seed)
    touches = touchpoints(users).rows()
    rows = [
        (user, at + draw.choice([-1, 0, 0, 1, 5]) * MICROSECOND, *_conversion(draw))
        for user, at, *_ in draw.sample(touches, len(touches) // 5)
    ]
    rows += [(f"never touched {i}", _instant(draw), *_conversion(draw)) for i in range(20)]
    rows += [
        (*row[:3], draw.choice([None, 1.0, -3.5]), f"again {i}") for i, row in enumerate(rows[::9])
    ]
    rows += [("long", START + timedelta(days=15), "purchase", 1e308, None)]
    return pl.DataFrame(list(dict.fromkeys(rows)), schema=_CONVERSIONS, orient="row")


def _names(users: int) -> list[str]:
    return [*USERS, *(f"user {i}" for i in range(users))]


def _instant(draw: random.Random, days: int = 90) -> datetime:
    """Draw an instant: often one that others have too, at times before the epoch."""
    hours = draw.choice(
        [draw.randrange(24 * days), 24 * draw.randrange(days), draw.random() * 24 * days]
    )
    return (
        START
        + timedelta(hours=hours)
        - timedelta(days=draw.choice([0, 0, 0, 0, 22_000]) * (days > 20))
    )


def _touch(draw: random.Random, user: str, at: datetime) -> tuple[object, ...]:
    return (
        user,
        at,
        draw.choice(CHANNELS[: draw.choice([3, len(CHANNELS)])]),
        draw.choice([None, None, "spring", "Spring", "📈"]),
        draw.choice([None, "click", "view"]),
        draw.choice([None, 0.0, -0.0, 0.1, 1e-300]),
        draw.choice([None, None, str(draw.randrange(1000))]),
    )


def _conversion(draw: random.Random) -> tuple[object, ...]:
    return (
        draw.choice(list(LOOKBACKS)),
        draw.choice([None, 0.1, 99.99, -5.0]),
        draw.choice([None, str(draw.randrange(50))]),
    )


_TOUCHPOINTS = {
    "user_id": pl.String,
    "touched_at": pl.Datetime("us"),
    "channel": pl.String,
    "campaign": pl.String,
    "interaction": pl.String,
    "cost": pl.Float64,
    "touchpoint_id": pl.String,
}
_CONVERSIONS = {
    "user_id": pl.String,
    "converted_at": pl.Datetime("us"),
    "outcome": pl.String,
    "value": pl.Float64,
    "conversion_id": pl.String,
}

# --- sources --------------------------------------------------------------------------------------

NOW = datetime(2026, 7, 1, 12)
BLANK = ["", " ", "\t", "\n", "\u00a0", "\ufeff", "\u3000", "\u0085", " \u2003 "]
TIMES = [
    *("2026-03-01", "2026-03-01T09:30", "2026-03-01 09:30:00", "2026-3-1 9:30", "2026/03/01 10:00"),
    *("2026-03-01T09:30:00.123456789", "2026-03-01t09:30:00,5", " 2026-03-01 09:30 ", "2026-02-30"),
    *(
        "2026",
        "2026-03",
        "12:00",
        "T12:00",
        "20260301",
        "infinity",
        "yesterday",
        "2026-03-01T25:00",
    ),
    *("2026-13-01", "2026-03-01T09", "2027-01-01", *BLANK),
]
ZONED = [
    *("2026-03-01T09:30:00+02:00", "2026-03-01T09:30:00+0200", "2026-03-01 09:30:00 +02"),
    *("2026-03-01 09:30+02:00", "2026-03-01T09:30:00.25+02:00", "2026-03-01T09:30:00+2"),
]
# Without numbers as people write them, such as 1,5: DuckDB alone reads them.
NUMBERS = [
    *(
        "1",
        "1.50",
        "-2",
        "+3",
        ".5",
        "5.",
        "1e5",
        "1E+2",
        "1_000",
        "1d",
        "1f",
        "0x1p3",
        "1;5",
        "1/2",
    ),
    *("inf", "-Infinity", "NaN", "nan", "1e400", "１", "free", "--1", *BLANK),
]


def raw_touchpoints(times: list[str] = TIMES, seed: int = 3) -> pl.DataFrame:
    """Draw touchpoints as text, as exports have them, with unknown columns."""
    draw = random.Random(seed)
    rows = [
        (
            draw.choice(["u1", " u1", "🙂", None, *BLANK, "\u200b", "u1\u0085"])
            if i % 3
            else f"u{i % 9}",
            draw.choice(times) if i % 2 else times[0],
            draw.choice([None, *BLANK])
            if i % 7 == 0
            else draw.choice([" tv ", "tv", "\ufefftv\u3000", "a\tb"]),
            draw.choice([None, "", "x", "x\\d$1"]),
            draw.choice([None, *NUMBERS]),
            i,
            draw.choice([None, "kept"]),
        )
        for i in range(400)
    ]
    names = ["User_ID ", "touched_at", "CHANNEL", "campaign", "cost", "touchpoint_id", "reason"]
    return pl.DataFrame(rows, schema=names, orient="row")


def raw_conversions(seed: int = 4) -> pl.DataFrame:
    """Draw conversions as typed columns, with whole rows twice."""
    draw = random.Random(seed)
    rows = [
        (
            draw.choice([None, 1.0, 2.0, 2.5, 1e17, float("nan")]),
            draw.choice([None, NOW, NOW + MICROSECOND, START, START - timedelta(days=36_500)]),
            draw.choice([None, " ", "lead", " lead"]),
            draw.choice([None, 0.1, -0.0, float("inf"), float("-inf"), float("nan")]),
        )
        for _ in range(300)
    ]
    names = ["user_id", "converted_at", "outcome", "value"]
    schema = dict(
        zip(names, [pl.Float64, pl.Datetime("us", "UTC"), pl.String, pl.Float64], strict=True)
    )
    return pl.DataFrame(rows, schema=schema, orient="row")


def raw_spend() -> pl.DataFrame:
    """Return bookings: equal ones are two, of days that come as dates."""
    days = [START.date(), NOW.date(), NOW.date() + timedelta(days=1), None]
    rows = [
        (day, channel, cost)
        for day in days
        for channel in ("tv", None)
        for cost in (1, 1, -2, None)
    ]
    return pl.DataFrame(rows, schema=["date", "channel", "cost"], orient="row")


def raw_users() -> pl.DataFrame:
    """Return users, some twice with other segments, in an order that decides."""
    rows = [
        *[("u1", "new", 1.0, True), ("u1", "old", 1.0, True), ("u1", "new", 1.0, True)],
        *[("u2", " new ", 2.5, None), (None, "new", None, False), ("🙂", "", float("nan"), False)],
    ]
    return pl.DataFrame(rows, schema=["user_id", "kind", "score", "is member"], orient="row")
