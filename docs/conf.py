"""How the documentation becomes a site: `make docs`. The pages themselves are plain Markdown.

The index is README.md, whose lists of links are the table of contents too, so that a new page needs
one line in one place; a page that no list names fails the build.
"""

import re
from importlib.metadata import version as version_of
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

project = "preimage"
copyright = "the authors of preimage, Apache-2.0"  # noqa: A001 - Sphinx asks for this name
release = version_of("preimage")
version = release

extensions = ["myst_parser"]
root_doc = "README"
exclude_patterns = ["_build"]
nitpicky = True

highlight_language = "none"  # blocks without a language are commands and what they print

myst_heading_anchors = 4  # links to headings work here as they do where Markdown is rendered
myst_enable_extensions = ["html_image"]

html_theme = "furo"
html_title = f"preimage {release}"
html_show_sphinx = False
html_copy_source = False

_HEADING = re.compile(r"^(?:## )?([A-Z][\w -]+)$")
_PAGE = re.compile(r"\]\(((?!\.\.)[\w/.-]+)\.md\)")


def _tables_of_contents(index: str) -> str:
    """One hidden toctree for each group of links on the index page, with the group's name."""
    groups: dict[str, list[str]] = {}
    caption = ""
    for line in index.splitlines():
        if heading := _HEADING.match(line):
            caption = heading[1]
        groups.setdefault(caption, []).extend(_PAGE.findall(line))
    return "".join(
        f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{pages}\n```\n"
        for caption, found in groups.items()
        if (pages := "\n".join(found))
    )


def _read(_app: Sphinx, name: str, source: list[str]) -> None:
    if name == root_doc:
        source[0] += _tables_of_contents(source[0])


def _give_entrance(app: Sphinx, failure: Exception | None) -> None:
    """Leads whoever opens the site's folder to the index, which bears README's name."""
    if failure is None:
        (Path(app.outdir) / "index.html").write_text(
            f'<!doctype html><title>{html_title}</title><meta charset="utf-8">'
            f'<meta http-equiv="refresh" content="0; url={root_doc}.html">'
            f'<a href="{root_doc}.html">{html_title}</a>\n'
        )


def setup(app: Sphinx) -> None:
    """Registers what this site adds."""
    app.connect("source-read", _read)
    app.connect("build-finished", _give_entrance)
    # Drawings in mermaid's language stay text here: its renderer would come from another host.
    app.add_lexer("mermaid", TextLexer)
