"""The transitions between channels as a diagram: inline SVG without scripts."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import networkx as nx

from lydite.models.transition_graph import ENDS
from lydite.models.transitions import CONVERSION
from lydite.reporting.display_names import channel_label
from lydite.reporting.formats import count, percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: The most channels of a diagram, and the most arrows that leave each of them.
MOST_CHANNELS = 20
MOST_EDGES_PER_CHANNEL = 2

_WIDTH, _HEIGHT = 920, 560
_RADIUS = 225  # of the circle of channels
_LARGEST_NODE, _SMALLEST_NODE = 16, 4
_WIDEST_EDGE, _THINNEST_EDGE = 5.0, 0.75
_LONGEST_NAME = 20
_PALE, _FULL = (226, 234, 243), (29, 79, 134)


class _Node(NamedTuple):
    label: str
    x: float
    y: float
    radius: float
    touches: float
    conversion: float


def transition_svg(
    graph: nx.DiGraph, identifier: str, names: Mapping[str, str] | None = None
) -> str:
    """Return the transitions between channels as SVG.

    Channels stand on a circle, the most frequent first, clockwise from the top. The area of a
    circle is the number of touches, its colour the share of touches that a conversion follows
    before any other touch. Arrows lead to the channels that follow most often, without repeats of
    the same channel; their width is the number of such transitions.

    Parameters
    ----------
    graph
        As from `lydite.models.transition_graph`.
    identifier
        Starts the ids in the SVG; unique in the document.
    names
        Names of channels from the settings.

    Returns
    -------
    str
        One ``svg`` element; empty without a transition between two channels.
    """
    touches = {
        channel: graph.out_degree(channel, weight="count")
        for channel in graph
        if channel not in ENDS
    }
    channels = sorted(touches, key=lambda name: (-touches[name], name))[:MOST_CHANNELS]
    edges = _main_edges(graph, channels)
    if not edges:
        return ""
    nodes = _place(graph, channels, touches, names)
    label = f"Diagram of the transitions between {len(channels)} channels"
    marker = f"{identifier}-arrow"
    head = (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}"'
        ' xmlns="http://www.w3.org/2000/svg" font-size="13">'
        f'<defs><marker id="{marker}" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="9"'
        ' markerHeight="9" markerUnits="userSpaceOnUse" orient="auto">'
        '<path d="M0 0L6 3L0 6z" fill="var(--soft)"/></marker></defs>'
    )
    arrows = [_arrow(nodes, edge, edges[0][2], marker) for edge in reversed(edges)]
    circles = [_channel(node, nodes) for node in nodes.values()]
    lines = '<g fill="none" stroke="var(--soft)" stroke-opacity=".45">'
    return "\n".join([head, lines, *arrows, "</g>", *circles, "</svg>"])


def _main_edges(graph: nx.DiGraph, channels: Sequence[str]) -> list[tuple[str, str, float]]:
    """Return the most frequent transitions from each channel to others, the first one first."""

    def by_number(edge: tuple[str, str, float]) -> tuple[float, str, str]:
        return -edge[2], edge[0], edge[1]

    among = graph.subgraph(channels)
    edges = []
    for channel in channels:
        others = [edge for edge in among.out_edges(channel, data="count") if edge[1] != channel]
        edges += sorted(others, key=by_number)[:MOST_EDGES_PER_CHANNEL]
    return sorted(edges, key=by_number)


def _place(
    graph: nx.DiGraph,
    channels: Sequence[str],
    touches: dict[str, float],
    names: Mapping[str, str] | None,
) -> dict[str, _Node]:
    """Return where each channel stands, and its size."""
    # Half a step from the top, so that no two labels stand above one another there.
    turn = math.pi / len(channels)
    most = max(touches.values())
    nodes = {}
    for name, (x, y) in nx.circular_layout(channels).items():
        # From counter-clockwise from the right to clockwise from the top; y points down.
        angle = math.atan2(y, x) - math.pi / 2 + turn
        following = graph.get_edge_data(name, CONVERSION, default={"probability": 0.0})
        nodes[name] = _Node(
            channel_label(name, names),
            _WIDTH / 2 + _RADIUS * math.cos(angle),
            _HEIGHT / 2 + _RADIUS * math.sin(angle),
            max(_SMALLEST_NODE, _LARGEST_NODE * math.sqrt(touches[name] / most)),
            touches[name],
            following["probability"],
        )
    return nodes


def _arrow(nodes: dict[str, _Node], edge: tuple[str, str, float], most: float, marker: str) -> str:
    """Return an arrow that bends towards the centre, to one side: both directions are visible."""
    origin, destination, number = edge
    start, end = nodes[origin], nodes[destination]
    middle_x, middle_y = (start.x + end.x) / 2, (start.y + end.y) / 2
    bend_x = middle_x + 0.25 * (_WIDTH / 2 - middle_x) + 0.08 * (end.y - start.y)
    bend_y = middle_y + 0.25 * (_HEIGHT / 2 - middle_y) - 0.08 * (end.x - start.x)
    # The arrow ends at the edge of the circle.
    away = math.hypot(end.x - bend_x, end.y - bend_y)
    share = (end.radius + 2) / away
    end_x, end_y = end.x + share * (bend_x - end.x), end.y + share * (bend_y - end.y)
    width = _THINNEST_EDGE + (_WIDEST_EDGE - _THINNEST_EDGE) * number / most
    title = f"{escape(start.label)} then {escape(end.label)}: {count(number)} times"
    return (
        f'<path d="M{start.x:.1f} {start.y:.1f}Q{bend_x:.1f} {bend_y:.1f} {end_x:.1f} {end_y:.1f}"'
        f' stroke-width="{width:.1f}" marker-end="url(#{marker})"><title>{title}</title></path>'
    )


def _channel(node: _Node, nodes: dict[str, _Node]) -> str:
    """Return the circle and the label of a channel."""
    most = max(other.conversion for other in nodes.values())
    strength = node.conversion / most if most else 0.0
    fill = ",".join(str(round(a + strength * (b - a))) for a, b in zip(_PALE, _FULL, strict=True))
    is_right = node.x >= _WIDTH / 2
    x = node.x + (1 if is_right else -1) * (node.radius + 6)
    label = node.label
    shown = label if len(label) <= _LONGEST_NAME else f"{label[: _LONGEST_NAME - 1]}…"
    title = (
        f"{escape(node.label)}: {count(node.touches)} touches,"
        f" a conversion follows {percent(node.conversion, 1)}"
    )
    return (
        f'<g><title>{title}</title><circle cx="{node.x:.1f}" cy="{node.y:.1f}"'
        f' r="{node.radius:.1f}" fill="rgb({fill})" stroke="var(--accent)"/>'
        f'<text x="{x:.1f}" y="{node.y + 4:.1f}" text-anchor="{"start" if is_right else "end"}"'
        f' fill="var(--ink)">{escape(shown)}'
        f' <tspan fill="var(--soft)">{percent(node.conversion, 1)}</tspan></text></g>'
    )
