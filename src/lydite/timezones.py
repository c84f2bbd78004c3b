"""Local times: days, weeks and hours of the time zone in which a business counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from lydite.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

UTC = "UTC"


def check_timezone(name: str) -> str:
    """Return the name of a time zone.

    Raises
    ------
    InputError
        When there is no such zone.

    Examples
    --------
    >>> check_timezone("Europe/Berlin")
    'Europe/Berlin'
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(
            f"there is no time zone {name!r}: write an IANA name, such as Europe/Berlin or UTC"
        ) from error
    return name


def to_local(times: NDArray[np.datetime64], timezone: str) -> NDArray[np.datetime64]:
    """Return times in UTC as local times, datetime64[us].

    Examples
    --------
    >>> to_local(np.array(["2026-03-29T00:30", "2026-03-29T01:30"], "datetime64[m]"), "CET")
    array(['2026-03-29T01:30:00.000000', '2026-03-29T03:30:00.000000'],
          dtype='datetime64[us]')
    """
    in_us = np.asarray(times).astype("datetime64[us]", copy=False)
    if timezone == UTC:
        return in_us
    import pandas as pd  # noqa: PLC0415 - it takes long, and UTC does not need it

    index = pd.DatetimeIndex(in_us.ravel(), tz=UTC).tz_convert(timezone).tz_localize(None)
    return np.asarray(index.to_numpy().astype("datetime64[us]")).reshape(in_us.shape)


def to_utc(times: NDArray[np.datetime64], timezone: str) -> NDArray[np.datetime64]:
    """Return local times in UTC, datetime64[us].

    Of a time that occurs twice, as clocks go back, the first is meant; a time that clocks skip is
    the first one after.

    Examples
    --------
    >>> to_utc(np.array(["2026-03-29", "2026-03-30"], "datetime64[D]"), "Europe/Berlin")
    array(['2026-03-28T23:00:00.000000', '2026-03-29T22:00:00.000000'],
          dtype='datetime64[us]')
    """
    in_us = np.asarray(times).astype("datetime64[us]", copy=False)
    if timezone == UTC:
        return in_us
    import pandas as pd  # noqa: PLC0415 - it takes long, and UTC does not need it

    index = pd.DatetimeIndex(in_us.ravel()).tz_localize(
        timezone, ambiguous=np.ones(in_us.size, dtype=bool), nonexistent="shift_forward"
    )
    found = index.tz_convert(UTC).tz_localize(None).to_numpy().astype("datetime64[us]")
    return np.asarray(found).reshape(in_us.shape)
