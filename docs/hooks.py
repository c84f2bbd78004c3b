"""mkdocs hook: adds the Markdown files outside `docs/` to the site and adapts links to them."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
ADDED = {
    "README.md": "index.md",
    "examples/README.md": "examples.md",
    "benchmarks/README.md": "benchmarks.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files of `ADDED`."""
    for source, name in ADDED.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(
            File.generated(config, name, content=_relinked(text, posixpath.dirname(source)))
        )
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Adapt the links of the files in `docs/`."""
    return markdown if page.file.src_uri in ADDED.values() else _relinked(markdown, "docs")


def _relinked(text: str, folder: str) -> str:
    """Point links to their place in the site; a link to a file outside it becomes plain text."""

    def replace(link: re.Match[str]) -> str:
        label, target = link[1], posixpath.normpath(posixpath.join(folder, link[2]))
        if (ROOT / target / "README.md").exists():
            target += "/README.md"
        if target in ADDED:
            return f"[{label}]({ADDED[target]})"
        inside = target.removeprefix("docs/")
        return f"[{label}]({inside})" if inside != target else f"`{label.strip('`')}`"

    return re.sub(r"\[([^\]]+)\]\((?!https?:|#)([^)#]+)\)", replace, text)
