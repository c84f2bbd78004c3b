"""By segment: where each segment of the users stands, and whether the verdict holds in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lydite.reporting.display_names import MOST_NAMED, standing
from lydite.reporting.formats import count, interval, percent_by_error, plain
from lydite.reporting.queries import alike_groups, leaders, rivals_of, segments_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lydite.results import Comparison

    Row = Mapping[str, Any]

_AGAINST = ("refuted", "no_better_than_volume")


@dataclass(frozen=True)
class Segment:
    """One segment's verdicts.

    Attributes
    ----------
    name
        As ``customer_type = new``.
    rivals
        Its rows of ``model_comparison``, best first.
    agrees
        Whether a model that leads among all users leads here; False where each of them is refuted
        or no better than touch volume here; None where neither is known, or nothing leads there.
    """

    name: str
    rivals: Sequence[Row]
    agrees: bool | None

    @property
    def leading(self) -> list[list[Row]]:
        """The rivals that lead here, those with the same forecast together."""
        return alike_groups(leaders(self.rivals))

    @property
    def landmarks(self) -> int:
        """How many landmarks were forecast."""
        return int(self.rivals[0]["landmarks"] or 0)


@dataclass(frozen=True)
class SegmentLine:
    """One segment as text, the same on every face.

    Attributes
    ----------
    standing
        Which model is best, or which remain.
    explained, bounds
        What the first model that leads explains, or that with the lowest loss where none does.
    by
        Which model that is; empty where `standing` names it first.
    agrees
        ``yes``, ``no`` or ``not known yet``; empty where nothing leads among all users.
    """

    segment: str
    landmarks: str
    conversions: str
    standing: str
    explained: str
    bounds: str
    by: str
    agrees: str


def compared_segments(comparison: Comparison, outcome: str) -> list[Segment]:
    """Return the segments of one outcome in the order of the tables."""
    ahead = [row["model"] for row in leaders(rivals_of(comparison, outcome))]
    found = []
    for name in segments_of(comparison, outcome):
        rivals = rivals_of(comparison, outcome, name)
        if rivals:
            found.append(Segment(name, rivals, _agrees(ahead, rivals)))
    return found


def _agrees(ahead: Sequence[str], rivals: Sequence[Row]) -> bool | None:
    if not ahead:
        return None
    if {row["model"] for row in leaders(rivals)} & set(ahead):
        return True
    verdicts = {row["model"]: row["verdict"] for row in rivals}
    return False if all(verdicts.get(name) in _AGAINST for name in ahead) else None


def segment_lines(comparison: Comparison, outcome: str, most: int) -> tuple[list[SegmentLine], int]:
    """Return the segments as text, and how many are left out.

    Where there are more than `most`, those that disagree with all users come before others, then
    the largest.
    """
    segments = compared_segments(comparison, outcome)
    by_weight = sorted(
        range(len(segments)),
        key=lambda place: (segments[place].agrees is not False, -segments[place].landmarks, place),
    )
    shown = sorted(by_weight[:most])
    judged = bool(leaders(rivals_of(comparison, outcome)))
    lines = [_line(segments[place], judged=judged) for place in shown]
    return lines, len(segments) - len(lines)


def _line(segment: Segment, *, judged: bool) -> SegmentLine:
    first = segment.leading[0][0] if segment.leading else segment.rivals[0]
    low, high = first["explained_low"], first["explained_high"]
    agrees = {True: "yes", False: "no", None: "not known yet"}[segment.agrees]
    return SegmentLine(
        segment=plain(segment.name),
        landmarks=count(first["landmarks"]),
        conversions=count(first["conversions"]),
        standing=standing(segment.rivals),
        explained=percent_by_error(first["explained"], low, high),
        bounds=interval(low, high),
        by="" if 0 < len(segment.leading) <= MOST_NAMED else plain(first["model"]),
        agrees=agrees if judged else "",
    )


def segments_in_words(comparison: Comparison, outcome: str) -> str:
    """Return in how many segments the verdict on all users holds, and where another one does.

    Returns
    -------
    One sentence; empty where there are no segments, or nothing leads anywhere.
    """
    segments = compared_segments(comparison, outcome)
    ahead = alike_groups(leaders(rivals_of(comparison, outcome)))
    if not segments:
        return ""
    return _of_verdict(ahead, segments) if ahead else _of_nothing(segments)


def _of_nothing(segments: Sequence[Segment]) -> str:
    """Say where something leads, though nothing does among all users."""
    leading = [segment for segment in segments if segment.leading]
    if not leading:
        return ""
    where = f"In {len(leading)} of {len(segments)} segments a model is ahead"
    where += ", among them" if len(leading) > MOST_NAMED else ""
    parts = [f"in {plain(own.name)} {standing(own.rivals)}" for own in leading[:MOST_NAMED]]
    return f"{where}: {'; '.join(parts)}."


def _of_verdict(ahead: Sequence[Sequence[Row]], segments: Sequence[Segment]) -> str:
    agreeing = [segment for segment in segments if segment.agrees]
    against = [segment for segment in segments if segment.agrees is False]
    silent = len(segments) - len(agreeing) - len(against)
    if silent == len(segments):
        return f"{_all_of(silent)} too small to say.".capitalize()
    parts = [f"{_subject(ahead, agreeing)} in {_how_many(len(agreeing), len(segments))}"]
    parts += [f"in {plain(own.name)} {_instead(ahead, own)}" for own in against[:MOST_NAMED]]
    more = len(against) - MOST_NAMED
    parts += [f"{more} more {'disagrees' if more == 1 else 'disagree'}"] if more > 0 else []
    parts += [f"{silent} {'is' if silent == 1 else 'are'} too small to say"] if silent else []
    return f"{'; '.join(parts)}."


def _subject(ahead: Sequence[Sequence[Row]], agreeing: Sequence[Segment]) -> str:
    """Say what holds: of several that lead among all users, all may lead in a segment or some."""
    if len(ahead) == 1:
        return "The verdict holds"
    wanted = {row["model"] for group in ahead for row in group}
    met = [{row["model"] for group in own.leading for row in group} for own in agreeing]
    everyone = all(wanted <= own for own in met)
    return "These models are ahead" if everyone else "At least one of these models is ahead"


def _how_many(number: int, of: int) -> str:
    if number == of:
        return {1: "the one segment", 2: "both segments"}.get(of, f"all {of} segments")
    return f"{number or 'none'} of {of} segments"


def _all_of(number: int) -> str:
    return {1: "the one segment is", 2: "both segments are"}.get(
        number, f"all {number} segments are"
    )


def _instead(ahead: Sequence[Sequence[Row]], segment: Segment) -> str:
    if segment.leading:
        return standing(segment.rivals)
    own = {row["model"] for group in ahead for row in group}
    verdicts = {row["verdict"] for row in segment.rivals if row["model"] in own}
    subject = f"{'it' if len(ahead) == 1 else 'each of them'} is"
    return f"{subject} {'refuted' if 'refuted' in verdicts else 'no better than touch volume'}"
