"""The verdict within each segment of the users, and whether it agrees with the one on all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lydite.reporting.display_names import model_label, start_sentence
from lydite.reporting.formats import count, interval, percent_by_error, plain
from lydite.reporting.model_groups import MOST_NAMED, group_name, models_of, standing_in_words
from lydite.reporting.queries import rivals_of, segments_of, standing_models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lydite.reporting.queries import Row, Standing
    from lydite.results import Comparison

_AGAINST = ("refuted", "no_better_than_volume")


@dataclass(frozen=True)
class Segment:
    """The verdicts within one segment.

    Attributes
    ----------
    name
        Such as ``customer_type = new``.
    rivals
        Its rows of ``model_comparison``, best first.
    standing
        The rivals that stand here.
    agrees
        Whether a model that leads among all users leads here too. False if each of them is refuted
        or no better than activity alone here; None if neither is known, or if nothing leads among
        all users.
    """

    name: str
    rivals: Sequence[Row]
    standing: Standing
    agrees: bool | None

    @property
    def leading(self) -> Sequence[Sequence[Row]]:
        """The rivals that lead here, grouped by forecast; primary models where any stands."""
        return self.standing.ahead

    @property
    def in_words(self) -> str:
        """The best model here, or how many still stand."""
        return standing_in_words(self.standing, self.rivals)

    @property
    def landmarks(self) -> int:
        """Number of landmarks that were forecast."""
        return int(self.rivals[0]["landmarks"] or 0)


@dataclass(frozen=True)
class SegmentRow:
    """One segment as text: the same on the terminal and in the report.

    Attributes
    ----------
    standing
        The best model, or how many still stand.
    improvement, bounds
        Of the first leader, or of the model with the lowest loss if there is no leader.
    by
        The name of that model; empty if `standing` says it.
    agrees
        ``yes``, ``no`` or ``not known yet``; empty if nothing leads among all users.
    """

    segment: str
    landmarks: str
    conversions: str
    standing: str
    improvement: str
    bounds: str
    by: str
    agrees: str


def compared_segments(comparison: Comparison, outcome: str) -> list[Segment]:
    """Return the segments of one outcome, in the order of the tables."""
    ahead = _leading(standing_models(comparison, outcome))
    found = []
    for name in segments_of(comparison, outcome):
        rivals = rivals_of(comparison, outcome, name)
        if rivals:
            standing = standing_models(comparison, outcome, name)
            found.append(Segment(name, rivals, standing, _agrees(ahead, standing, rivals)))
    return found


def _leading(standing: Standing) -> set[str]:
    """Return the models of the headline that are surely better than the null hypothesis."""
    return {row["model"] for row in models_of(standing.ahead)}


def _agrees(ahead: set[str], standing: Standing, rivals: Sequence[Row]) -> bool | None:
    if not ahead:
        return None
    if _leading(standing) & ahead:
        return True
    verdicts = {row["model"]: row["verdict"] for row in rivals}
    return False if all(verdicts.get(name) in _AGAINST for name in ahead) else None


def segment_rows(comparison: Comparison, outcome: str, most: int) -> tuple[list[SegmentRow], int]:
    """Return at most `most` segments as text, and the number of the others.

    Segments that disagree with the verdict on all users are kept first, then the largest.
    """
    segments = compared_segments(comparison, outcome)
    by_weight = sorted(
        range(len(segments)),
        key=lambda place: (segments[place].agrees is not False, -segments[place].landmarks, place),
    )
    shown = sorted(by_weight[:most])
    judged = bool(standing_models(comparison, outcome).ahead)
    rows = [_segment_row(segments[place], judged=judged) for place in shown]
    return rows, len(segments) - len(rows)


def _segment_row(segment: Segment, *, judged: bool) -> SegmentRow:
    first = segment.leading[0][0] if segment.leading else segment.rivals[0]
    low, high = first["explained_low"], first["explained_high"]
    agrees = {True: "yes", False: "no", None: "not known yet"}[segment.agrees]
    return SegmentRow(
        segment=plain(segment.name),
        landmarks=count(first["landmarks"]),
        conversions=count(first["conversions"]),
        standing=segment.in_words,
        improvement=percent_by_error(first["explained"], low, high),
        bounds=interval(low, high),
        by="" if segment.standing.best else model_label(first["model"]),
        agrees=agrees if judged else "",
    )


def segment_summary(comparison: Comparison, outcome: str) -> str:
    """Return in how many segments the verdict on all users holds, and which segments differ.

    Returns
    -------
    One sentence; empty if there are no segments, or if nothing leads anywhere.
    """
    segments = compared_segments(comparison, outcome)
    standing = standing_models(comparison, outcome)
    if not segments:
        return ""
    return _with_leader(standing, segments) if standing.ahead else _without_leader(segments)


def _without_leader(segments: Sequence[Segment]) -> str:
    """Name segments in which a model leads, though none does among all users."""
    leading = [segment for segment in segments if segment.leading]
    if not leading:
        return ""
    where = f"In {len(leading)} of {len(segments)} segments a model leads"
    where += ", among them" if len(leading) > MOST_NAMED else ""
    parts = [
        f"in {plain(own.name)}, {standing_in_words(own.standing, own.rivals)}"
        for own in leading[:MOST_NAMED]
    ]
    return f"{where}: {'; '.join(parts)}."


def _with_leader(standing: Standing, segments: Sequence[Segment]) -> str:
    agreeing = [segment for segment in segments if segment.agrees]
    against = [segment for segment in segments if segment.agrees is False]
    silent = len(segments) - len(agreeing) - len(against)
    if silent == len(segments):
        return f"{_segments_have(silent)} too little data to say.".capitalize()
    parts = [f"{_subject(standing, agreeing)} in {_how_many(len(agreeing), len(segments))}"]
    parts += [f"in {plain(own.name)}, {_instead(standing, own)}" for own in against[:MOST_NAMED]]
    more = len(against) - MOST_NAMED
    parts += [f"{more} more {'disagrees' if more == 1 else 'disagree'}"] if more > 0 else []
    parts += (
        [f"{silent} {'has' if silent == 1 else 'have'} too little data to say"] if silent else []
    )
    return f"{'; '.join(parts)}."


def _subject(standing: Standing, agreeing: Sequence[Segment]) -> str:
    """Return the subject: of several leaders, all or only some may lead in these segments."""
    if standing.best:
        return "The verdict holds"
    if len(standing.ahead) == 1:
        return start_sentence(f"{group_name(standing.ahead[0])} leads")
    wanted = _leading(standing)
    found = [_leading(own.standing) for own in agreeing]
    everyone = all(wanted <= own for own in found)
    return "These models lead" if everyone else "At least one of these models leads"


def _how_many(number: int, of: int) -> str:
    if number == of:
        return {1: "the only segment", 2: "both segments"}.get(of, f"all {of} segments")
    return f"{number or 'none'} of {of} segments"


def _segments_have(number: int) -> str:
    return {1: "the only segment has", 2: "both segments have"}.get(
        number, f"all {number} segments have"
    )


def _instead(standing: Standing, segment: Segment) -> str:
    if segment.leading:
        return segment.in_words
    ahead = _leading(standing)
    verdicts = {row["verdict"] for row in segment.rivals if row["model"] in ahead}
    subject = "it" if len(standing.ahead) == 1 else "each of them"
    return f"{subject} is {'refuted' if 'refuted' in verdicts else 'no better than a baseline'}"
