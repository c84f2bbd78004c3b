"""The graph of transitions: nodes, edges, unreachable channels, and its GraphML file."""

from __future__ import annotations

import networkx as nx
import polars as pl
import pytest

from lydite.errors import InputError
from lydite.models.transition_graph import transition_graph, unreachable_channels, write_graphml
from lydite.models.transitions import Transitions

CHANNELS = ["ads", "bing", "cold", "dead end"]


def frame(transitions, channels):
    names = {"from": "from_channel", "to": "to_channel", "count": "transitions"}
    return transitions.transition_matrix(channels).rename(names)


@pytest.fixture
def transitions():
    # Nothing converts after "dead end".
    counts = Transitions.from_paths([[0, 0, 1], [1], [2, 3]], [2, 1, 0], [1, 0, 4], 1, 4)
    return frame(counts, CHANNELS)


@pytest.fixture
def graph(transitions):
    return transition_graph(transitions, {"ads": 0.6, "bing": 1.0, "not on any path": 0.0})


def test_nodes_are_the_channels_with_effects_and_the_ends(graph):
    assert set(graph) == {*CHANNELS, "(start)", "(conversion)", "(null)"}
    assert nx.get_node_attributes(graph, "removal_effect") == {"ads": 0.6, "bing": 1.0}


def test_edges_have_counts_and_probabilities_that_sum_to_one(graph):
    assert graph.edges["ads", "ads"] == {"count": 3.0, "probability": 0.5}
    assert graph.edges["bing", "(conversion)"] == {"count": 3.0, "probability": 0.75}
    for node in ["(start)", *CHANNELS]:
        leaving = sum(edge["probability"] for _, _, edge in graph.out_edges(node, data=True))
        assert leaving == pytest.approx(1)


def test_unreachable_channels_are_found(transitions):
    assert unreachable_channels(transitions) == ["cold", "dead end"]
    more = pl.DataFrame([("dead end", "ads", 1.0, 0.2)], transitions.schema, orient="row")
    assert unreachable_channels(pl.concat([transitions, more])) == []


def test_without_conversions_every_channel_is_unreachable(transitions):
    without = transitions.filter(pl.col("to_channel") != "(conversion)")
    assert unreachable_channels(without) == CHANNELS


def test_an_empty_frame_has_only_the_ends():
    columns = ["from_channel", "to_channel", "transitions", "probability"]
    empty = transition_graph(pl.DataFrame(schema=columns))
    assert set(empty) == {"(start)", "(conversion)", "(null)"}
    assert unreachable_channels(pl.DataFrame(schema=columns)) == []


def test_graphml_is_read_back_unchanged(graph, tmp_path):
    path = tmp_path / "graph.graphml"
    write_graphml(graph, path)
    back = nx.read_graphml(path)
    assert dict(back.nodes(data=True)) == dict(graph.nodes(data=True))
    assert {(a, b): e for a, b, e in back.edges(data=True)} == {
        (a, b): e for a, b, e in graph.edges(data=True)
    }


def test_graphml_accepts_any_name(tmp_path):
    names = ["Müller & Søn <tv> 日本", "a\x1fb\x00"]
    graph = transition_graph(frame(Transitions.from_paths([[0, 1]], [1], [0], 1, 2), names))
    path = tmp_path / "graph.graphml"
    write_graphml(graph, str(path))
    assert {names[0], r"a\x1fb\x00"} < set(nx.read_graphml(path))


def test_a_file_that_cannot_be_written_is_named(graph, tmp_path):
    with pytest.raises(InputError, match=r"cannot write the graph to .*none.*No such file"):
        write_graphml(graph, tmp_path / "none" / "graph.graphml")


@pytest.mark.parametrize("name", ["(start)", "(conversion)", "(null)"])
def test_a_channel_with_the_name_of_an_end_is_refused(name):
    transitions = Transitions.from_paths([[0, 1]], [1], [1], 1, 2)
    with pytest.raises(InputError, match=rf"a channel is named '\{name[:-1]}\)'"):
        transition_graph(frame(transitions, ["ads", name]))
