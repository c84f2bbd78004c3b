"""Charts as SVG that is readable without JavaScript, in the light and in the dark."""

from __future__ import annotations

import math
import re
from collections import Counter
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
    text = _with_symbols(_shortened(text), identifier)
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)
    width = math.ceil(float(size[1])) if size else WIDTH
    text = re.sub(
        r'<svg class="marks"( width="[^"]*")?( height="[^"]*")?',
        f'<svg class="marks" role="img" aria-label="{_escaped(title)}"'
        f' style="max-width:{width}px" font-size="13px"',
        text,
        count=1,
    )
    return Markup(text)  # noqa: S704 - the library escapes names from the data


_TAGS = re.compile(r"<[a-z][^>]*>")
# What a tag can do without: labels of single marks (the whole image has one), values that are the
# default, and the font, which is that of the report.
_NEEDLESS = re.compile(
    r' aria-(?:label|roledescription|hidden)="[^"]*"| role="graphics-[^"]*"'
    r'| class="(?:mark-|background|foreground)[^"]*"| pointer-events="none"| font-family="[^"]*"'
    r'| font-size="13px"| (?:opacity|stroke-width)="1"| font-weight="normal"'
    r'| [xy]2="0"| transform="translate\(0,0\)"'
)
# Areas that are neither filled nor stroked, and groups without anything.
_INVISIBLE = re.compile(r'<path d="[^"]*"(?: display="none")?/>|<g></g>')
_PLACES = re.compile(r' (?:d|transform|x[12]?|y[12]?)="[^"]*"')
_NUMBERS = re.compile(r"\d+\.\d+")


def _shortened(text: str) -> str:
    """Return an image without what changes nothing, and with places to a tenth of a pixel."""
    text = _INVISIBLE.sub("", _TAGS.sub(_short_tag, text))
    is_kept: list[bool] = []

    def group(found: re.Match[str]) -> str:
        if found[0] == "</g>":
            return "</g>" if is_kept.pop() else ""
        is_kept.append(found[0] != "<g>")
        return found[0] if is_kept[-1] else ""

    return re.sub(r"</?g\b[^>]*>", group, text)


def _short_tag(found: re.Match[str]) -> str:
    tag = _NEEDLESS.sub("", found[0])
    if " stroke=" not in tag and tag.startswith("<path"):
        tag = re.sub(r' stroke-(?:width|dasharray)="[^"]*"', "", tag)
    return _PLACES.sub(_rounded, tag)


def _rounded(place: re.Match[str]) -> str:
    return _NUMBERS.sub(lambda number: f"{round(float(number[0]), 1):g}", place[0])


_SYMBOL = re.compile(r'<path transform="translate\(([^",]*),([^",]*)\)" (d="[^"]*"[^>]*)/>')


def _with_symbols(text: str, identifier: str) -> str:
    """Return an image in which points of the same shape and colour refer to one of them."""
    drawn = Counter(found[3] for found in _SYMBOL.finditer(text))
    symbols = {look: f"{identifier}-{n}" for n, look in enumerate(drawn) if drawn[look] > 2}

    def used(found: re.Match[str]) -> str:
        x, y, look = found.groups()
        known = symbols.get(look)
        return f'<use href="#{known}" x="{x}" y="{y}"/>' if known else found[0]

    looks = "".join(f'<path id="{name}" {look}/>' for look, name in symbols.items())
    defined = f"<defs>{looks}</defs></svg>" if looks else "</svg>"
    return defined.join(_SYMBOL.sub(used, text).rsplit("</svg>", 1))


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
