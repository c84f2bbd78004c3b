"""Tests of the engine protocol: both engines have all of its methods, with the same parameters."""

from __future__ import annotations

import inspect

import pytest

from lydite.engine import DuckDBEngine, Engine, SparkEngine

METHODS = sorted(
    name for name, member in vars(Engine).items() if not name.startswith("_") and callable(member)
)


@pytest.mark.parametrize("engine", [DuckDBEngine, SparkEngine])
@pytest.mark.parametrize("name", METHODS)
def test_an_engine_has_the_methods_of_the_protocol(engine, name):
    expected = inspect.signature(getattr(Engine, name)).parameters
    found = inspect.signature(getattr(engine, name)).parameters
    assert list(found)[: len(expected)] == list(expected)
    # Further parameters have defaults.
    others = list(found.values())[len(expected) :]
    assert all(parameter.default is not inspect.Parameter.empty for parameter in others)


@pytest.mark.parametrize("engine", [DuckDBEngine, SparkEngine])
def test_an_engine_has_the_properties_of_the_protocol(engine):
    properties = [name for name, member in vars(Engine).items() if isinstance(member, property)]
    assert {"error", "local", "threads"} == set(properties)
    assert all(hasattr(engine, name) for name in properties)
