"""The transitions between channels as a networkx graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.errors import InputError
from lydite.models.transitions import CONVERSION, NULL, START

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import networkx as nx
    import polars as pl

#: The nodes that are no channels.
ENDS = (START, CONVERSION, NULL)


def transition_graph(
    transitions: pl.DataFrame, removal_effects: Mapping[str, float] | None = None
) -> nx.DiGraph:
    """Return the transitions between channels as a directed graph.

    Parameters
    ----------
    transitions
        ``from_channel, to_channel, transitions, probability``, as in the mart
        ``channel_transitions``, of one outcome.
    removal_effects
        The removal effect by channel, where known.

    Returns
    -------
    networkx.DiGraph
        A node per channel, with its ``removal_effect`` where known, and ``(start)``,
        ``(conversion)`` and ``(null)``; an edge per transition, with ``count`` and ``probability``.

    Raises
    ------
    InputError
        When a channel has the name of one of these three nodes.
    """
    import networkx as nx  # noqa: PLC0415  (few calls need it, and it takes time to import)

    columns = "from_channel", "to_channel", "transitions", "probability"
    rows = transitions.select(columns).rows()
    for origin, destination, *_ in rows:
        if origin in {CONVERSION, NULL} or destination == START:
            name = START if destination == START else origin
            raise InputError(
                f"a channel is named {name!r}, which stands for an end of paths in the transition"
                " graph. Rename the channel."
            )
    graph = nx.DiGraph()
    graph.add_nodes_from(ENDS)
    for origin, destination, count, probability in rows:
        graph.add_edge(origin, destination, count=float(count), probability=probability)
    for channel, effect in (removal_effects or {}).items():
        if channel in graph:
            graph.nodes[channel]["removal_effect"] = effect
    return graph


def unreachable_channels(transitions: pl.DataFrame) -> list[str]:
    """Return the channels from which no sequence of transitions leads to a conversion, sorted.

    Parameters
    ----------
    transitions
        As in `transition_graph`.
    """
    edges = set(transitions.select("from_channel", "to_channel").rows())
    # Without networkx: every comparison comes here, and its import takes longer.
    reached: set[str] = set()
    found = {CONVERSION}
    while found:
        reached |= found
        found = {origin for origin, destination in edges if destination in found} - reached
    return sorted({name for edge in edges for name in edge} - reached - set(ENDS))


def write_graphml(graph: nx.DiGraph, path: str | Path) -> None:
    r"""Write a graph as GraphML, which Gephi, yEd and Cytoscape read.

    Unlike `networkx.write_graphml`, this accepts any channel name: characters that XML cannot
    contain are written as Python escapes, such as ``\x1f``.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    import networkx as nx  # noqa: PLC0415  (few calls need it, and it takes time to import)

    try:
        nx.write_graphml(nx.relabel_nodes(graph, _printable), path)
    except OSError as error:
        raise InputError(f"cannot write the graph to {path}: {error.strerror}") from error


def _printable(name: str) -> str:
    return "".join(
        character if character.isprintable() else repr(character)[1:-1] for character in name
    )
