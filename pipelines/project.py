"""Which settings file this code location runs on."""

import os
from pathlib import Path

#: The checkout.
ROOT = Path(__file__).resolve().parents[1]


def settings_file() -> str:
    """Return the settings file that LYDITE_CONFIG names, by default the checkout's lydite.toml."""
    return str(Path(os.environ.get("LYDITE_CONFIG", ROOT / "lydite.toml")).resolve())
