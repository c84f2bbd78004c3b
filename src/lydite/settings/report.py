"""Settings of the report."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from lydite.settings.types import Section


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty: write a name, or remove it")
    return text.strip()


def _check_names(names: dict[str, str]) -> dict[str, str]:
    for name in names.values():
        same = [other for other in names if names[other].lower() == name.lower()]
        if len(same) > 1:
            raise ValueError(
                f"{same[0]!r} and {same[1]!r} have the same name, {name!r}: give them different"
                " names, or merge the channels by channels.mapping"
            )
    return names


Name = Annotated[str, AfterValidator(_not_blank)]


class ReportSettings(Section):
    """What the report shows first, and the names in it.

    Attributes
    ----------
    main_outcome
        The outcome that the report begins with; by default the most frequent one with value.
    channel_names
        Names of channels for readers, by the name in the results. Other surfaces use them too: the
        terminal and Dagster; tables keep the names of the data.
    currency
        Symbol or code that is written before amounts, such as ``"€"`` or ``"EUR"``; by default the
        reporting currency, if there is one.
    keep
        The number of runs whose reports are kept.
    """

    main_outcome: Name | None = None
    channel_names: Annotated[dict[str, Name], AfterValidator(_check_names)] = {}
    currency: Annotated[str, AfterValidator(_not_blank), Field(max_length=8)] | None = None
    keep: Annotated[int, Field(ge=1)] = 30
