"""The graph of transitions between channels: what its structure says, and how to take it along."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import networkx as nx

from lydite.errors import InputError
from lydite.models.removal_effects import absorb
from lydite.models.transitions import CONVERSION, NULL, START, Transitions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_ENDS = (START, CONVERSION, NULL)


class Unreachable(NamedTuple):
    """Channels that the moves of the graph leave out, each list in the order of the graph."""

    from_start: list[str]
    """No path comes to these channels."""
    to_conversion: list[str]
    """No conversion follows these channels, however long the path."""


def transition_graph(transitions: Transitions, channels: Sequence[str]) -> nx.DiGraph:
    """Return the graph of a chain of order 1.

    Parameters
    ----------
    transitions
        Counts of a chain of order 1.
    channels
        Names of its channels.

    Returns
    -------
    A graph with a node for each channel, with its ``removal_effect``, and for ``(start)``,
    ``(conversion)`` and ``(null)``; edges have ``count`` and ``probability``.

    Raises
    ------
    InputError
        When a channel has the name of an end of the graph.
    ValueError
        When the order is above 1.
    """
    for name in _ENDS:
        if name in channels:
            raise InputError(
                f"a channel is named {name!r}, which stands for an end of the transition graph;"
                " give the channel another name"
            )
    if transitions.order != 1:
        raise ValueError(f"a chain of order {transitions.order} has no graph of single channels")
    graph = nx.DiGraph()
    graph.add_nodes_from(_ENDS)
    effects = absorb(transitions).removal_effect.tolist()
    for name, effect in zip(channels, effects, strict=True):
        graph.add_node(name, removal_effect=effect)
    for origin, destination, count, probability in transitions.transition_matrix(channels).rows():
        graph.add_edge(origin, destination, count=count, probability=probability)
    return graph


def unreachable_channels(graph: nx.DiGraph) -> Unreachable:
    """Return the channels that no path comes to, and those that no conversion follows."""
    reached = nx.descendants(graph, START)
    converting = nx.ancestors(graph, CONVERSION)
    channels = [node for node in graph if node not in _ENDS]
    return Unreachable(
        from_start=[channel for channel in channels if channel not in reached],
        to_conversion=[channel for channel in channels if channel not in converting],
    )


def write_graphml(graph: nx.DiGraph, path: Path) -> None:
    r"""Write the graph for tools that draw graphs (Gephi, yEd, Cytoscape).

    Signs that XML cannot hold are written as Python escapes them, such as ``\x1f``.
    """
    nx.write_graphml(nx.relabel_nodes(graph, _printable), path)


def _printable(name: str) -> str:
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in name)
