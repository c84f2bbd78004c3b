"""Types of settings."""

from __future__ import annotations

import pytest

from lydite.errors import InputError
from tests.helpers.settings import SOURCES


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[evaluation]\nas_of = "1.3.2026"', "evaluation.as_of = '1.3.2026': write it as ISO"),
        ("[evaluation]\nas_of = 20260301", "evaluation.as_of = 20260301: write it as ISO-8601"),
        ("[evaluation]\ndelivery_delay = 2", "evaluation.delivery_delay = 2: write it in quotes"),
        ('[outcomes.a]\ndelivery_delay = "soon"', "delay 'soon' cannot be read"),
        ('[quality]\naccept = ["all"]', "quality.accept.1 = 'all': Input should be 'stray_rows'"),
    ],
)
def test_wrong_declarations_are_refused(load, text, words):
    with pytest.raises(InputError) as error:
        load(SOURCES + text)
    assert words in str(error.value)
