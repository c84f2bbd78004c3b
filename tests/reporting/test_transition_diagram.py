"""The diagram of transitions: valid SVG, the same every time, with readable labels."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree as ET

import networkx as nx
import pytest

from lydite.models.transition_graph import ENDS
from lydite.reporting.transition_diagram import (
    MOST_CHANNELS,
    MOST_EDGES_PER_CHANNEL,
    transition_svg,
)

SVG = "{http://www.w3.org/2000/svg}"


def made_graph(channels, count=lambda i, j: 1.0 + (7 * i + 3 * j) % 11):
    """A graph in which every channel follows every channel, and conversions follow all."""
    graph = nx.DiGraph()
    graph.add_nodes_from(ENDS)
    for i, origin in enumerate(channels):
        for j, destination in enumerate(channels):
            graph.add_edge(origin, destination, count=count(i, j), probability=0.5)
        graph.add_edge(origin, "(conversion)", count=1.0, probability=0.01 * (i + 1))
        graph.add_edge("(start)", origin, count=5.0, probability=0.1)
    return graph


def parts(svg, tag):
    return list(ET.fromstring(svg).iter(f"{SVG}{tag}"))


@pytest.mark.parametrize("number", [2, 3, 8, 13, 20])
def test_every_channel_and_the_main_transitions_are_drawn(number):
    names = [f"Channel{i}" for i in range(number)]
    svg = transition_svg(made_graph(names), "outcome-0")
    assert len(parts(svg, "circle")) == number
    assert {"".join(text.itertext()).split()[0] for text in parts(svg, "text")} == set(names)
    arrows = [path for path in parts(svg, "path") if "marker-end" in path.attrib]
    assert len(arrows) == number * min(number - 1, MOST_EDGES_PER_CHANNEL)
    assert "script" not in svg


@pytest.mark.parametrize("number", [8, 12, 16, 20])
def test_labels_do_not_overlap(number):
    svg = transition_svg(made_graph([f"Channel{i}" for i in range(number)]), "x")
    for side in ("start", "end"):
        heights = sorted(
            float(text.get("y")) for text in parts(svg, "text") if text.get("text-anchor") == side
        )
        assert all(after - before >= 13 for before, after in itertools.pairwise(heights))
        assert heights[0] > 0
        assert heights[-1] < 560


def test_of_many_channels_the_most_frequent_are_drawn():
    names = [f"Channel{i}" for i in range(43)]
    svg = transition_svg(made_graph(names, lambda i, j: 1000.0 - 10 * i - j), "x")
    drawn = {"".join(text.itertext()).split()[0] for text in parts(svg, "text")}
    assert drawn == set(names[:MOST_CHANNELS])


def test_the_diagram_is_the_same_every_time_and_in_any_order_of_rows():
    graph = made_graph([f"Channel{i}" for i in range(9)])
    other = nx.DiGraph()
    other.add_edges_from(reversed(list(graph.edges(data=True))))
    assert transition_svg(graph, "x") == transition_svg(other, "x")


def test_names_are_escaped_and_cut():
    names = ['a & <b> "c"', "x\x1f\x00y", "a very long name of a channel that has no end"]
    svg = transition_svg(made_graph(names), "x")
    labels = {"".join(text.itertext()) for text in parts(svg, "text")}
    assert 'a & <b> "c" 1.0%' in labels
    assert any(label.startswith("a very long name of…") for label in labels)
    titles = {title.text for title in parts(svg, "title")}
    assert any(title.startswith(f"{names[2]}: ") for title in titles)


def test_titles_give_the_figures():
    graph = made_graph(["Ads", "Seo"], lambda i, j: 1200.0)
    titles = [title.text for title in parts(transition_svg(graph, "x"), "title")]
    assert "Ads then Seo: 1,200 times" in titles
    assert "Seo: 2,401 touches, a conversion follows 2.0%" in titles


def test_without_a_transition_between_channels_nothing_is_drawn():
    assert transition_svg(made_graph(["only"]), "x") == ""
    graph = nx.DiGraph()
    graph.add_nodes_from(ENDS)
    assert transition_svg(graph, "x") == ""


def test_channels_without_conversions_are_drawn_too():
    graph = made_graph(["a", "b"])
    graph.remove_node("(conversion)")
    assert "0.0%" in transition_svg(graph, "x")
