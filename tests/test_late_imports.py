"""Packages whose modules are imported late: names, and what they do not have."""

import pytest

import lydite
from lydite import api, results


@pytest.mark.parametrize("package", [lydite, api, results])
def test_every_name_is_there(package):
    assert all(getattr(package, name) is not None for name in package.__all__)


@pytest.mark.parametrize("package", [lydite, api, results])
def test_another_name_is_refused(package):
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'x'"):
        _ = package.x


def test_a_module_is_a_name_of_its_package():
    assert lydite.models.__name__ == "lydite.models"
