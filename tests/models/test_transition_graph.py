"""The graph of transitions: its numbers, what it leaves out, and the file that carries it away."""

from __future__ import annotations

import networkx as nx
import pytest

from lydite.errors import InputError
from lydite.models.removal_effects import absorb
from lydite.models.transition_graph import transition_graph, unreachable_channels, write_graphml
from lydite.models.transitions import Transitions

CHANNELS = ["ads", "bing", "cold", "dead end", "elsewhere"]


@pytest.fixture
def transitions():
    # Nothing converts after "dead end", and no path comes to "elsewhere".
    return Transitions.from_paths([[0, 0, 1], [1], [2, 3]], [2, 1, 0], [1, 0, 4], 1, 5)


@pytest.fixture
def graph(transitions):
    return transition_graph(transitions, CHANNELS)


def test_nodes_are_channels_with_effects_and_the_ends(graph, transitions):
    assert set(graph) == {*CHANNELS, "(start)", "(conversion)", "(null)"}
    effects = nx.get_node_attributes(graph, "removal_effect")
    expected = absorb(transitions).removal_effect
    assert effects == dict(zip(CHANNELS, expected.tolist(), strict=True))


def test_edges_are_counted_and_leave_with_probability_one(graph):
    assert graph.edges["ads", "ads"] == {"count": 3.0, "probability": 0.5}
    assert graph.edges["bing", "(conversion)"] == {"count": 3.0, "probability": 0.75}
    for node in ["(start)", "ads", "bing", "cold", "dead end"]:
        leaving = sum(edge["probability"] for _, _, edge in graph.out_edges(node, data=True))
        assert leaving == pytest.approx(1)


def test_unreachable_channels_are_found(graph):
    found = unreachable_channels(graph)
    assert found.from_start == ["elsewhere"]
    assert found.to_conversion == ["cold", "dead end", "elsewhere"]


def test_graphml_comes_back_as_it_went(graph, tmp_path):
    path = tmp_path / "graph.graphml"
    write_graphml(graph, path)
    back = nx.read_graphml(path)
    assert dict(back.nodes(data=True)) == dict(graph.nodes(data=True))
    assert {(a, b): e for a, b, e in back.edges(data=True)} == {
        (a, b): e for a, b, e in graph.edges(data=True)
    }


def test_graphml_holds_any_name(tmp_path):
    names = ["Müller & Søn <tv> 日本", "a\x1fb\x00"]
    graph = transition_graph(Transitions.from_paths([[0, 1]], [1], [0], 1, 2), names)
    path = tmp_path / "graph.graphml"
    write_graphml(graph, path)
    assert {names[0], r"a\x1fb\x00"} < set(nx.read_graphml(path))


def test_a_channel_named_as_an_end_is_refused(transitions):
    with pytest.raises(InputError, match=r"'\(null\)'"):
        transition_graph(transitions, [*CHANNELS[:4], "(null)"])


def test_longer_states_have_no_graph_of_channels():
    with pytest.raises(ValueError, match="order 2"):
        transition_graph(Transitions.from_paths([[0, 1]], [1], [0], 2, 2), ["ads", "bing"])
