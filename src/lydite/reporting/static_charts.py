"""Charts as SVG that is readable without JavaScript, in the light and in the dark."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import vl_convert
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Width of a chart in pixels; it is scaled to the report.
WIDTH = 900
# Colours of texts and lines in the charts, as variables of the report's style sheet.
_VARIABLES = {
    "#1f2933": "var(--ink)",
    "#000": "var(--ink)",
    "#4b5563": "var(--soft)",
    "#6b7280": "var(--soft)",
    "#d9dee4": "var(--line)",
    "#eceff3": "var(--line)",
    "white": "var(--paper)",
}


def static_svg(spec: Mapping[str, object], identifier: str, title: str) -> Markup:
    """Return a Vega-Lite chart as an SVG element.

    Parameters
    ----------
    spec
        The chart; its width is replaced by `WIDTH`.
    identifier
        Starts the ids inside the element, which are unique in the report then.
    title
        What the chart shows, for screen readers.
    """
    fixed = {**spec, "width": WIDTH}
    text = vl_convert.vegalite_to_svg(_finite(fixed), show_warnings=False)  # type: ignore[arg-type]
    # The library numbers them on from chart to chart: the same chart has the same text here.
    clips = {name: n for n, name in enumerate(dict.fromkeys(re.findall(r"\bclip\d+", text)))}
    text = re.sub(r"\bclip\d+", lambda found: f"{identifier}-clip{clips[found[0]]}", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(f'"{colour}"', f'"{variable}"')
    text = re.sub(r' xmlns(:xlink)?="[^"]*"| version="[^"]*"', "", text)
    text = _shortened(text)
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)
    width = math.ceil(float(size[1])) if size else WIDTH
    text = re.sub(
        r'<svg class="marks"( width="[^"]*")?( height="[^"]*")?',
        f'<svg class="marks" role="img" aria-label="{_escaped(title)}" style="max-width:{width}px"',
        text,
        count=1,
    )
    return Markup(text)  # noqa: S704 - the library escapes names from the data


# Labels of single marks: the whole image has one, and readers of screens get no other.
_LABELS = re.compile(
    r' aria-(?:label|roledescription|hidden)="[^"]*"| role="graphics-[^"]*"'
    r'| class="(?:mark-|background|foreground)[^"]*"| pointer-events="none"'
)
_PLACES = re.compile(r' (?:d|transform|x[12]?|y[12]?)="[^"]*"')
_DECIMALS = re.compile(r"(\.\d\d)\d+")


def _shortened(text: str) -> str:
    """Return an image without labels of marks, and with places to a hundredth of a pixel."""
    text = _LABELS.sub("", text)
    return _PLACES.sub(lambda found: _DECIMALS.sub(r"\1", found[0]), text)


def _escaped(text: str) -> str:
    return str(Markup.escape(text))


def _finite(value: object) -> object:
    """Replace infinite numbers, which JSON does not have, by null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
