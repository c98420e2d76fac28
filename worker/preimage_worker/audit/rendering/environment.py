"""Templates: values are escaped by the environment, for HTML and for Markdown, never by hand."""

import functools
import re
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from preimage_worker.audit.rendering import cells, figures, ladder, view, words

_PACKAGE: Final = "preimage_worker.audit.rendering"
_MARKS: Final = re.compile(r"([\\`*_\[\]|~])")
_STARTS: Final = re.compile(r"^(\s*)([-+=]|#{1,6}|\d+[.)])(?=\s|$)")


@functools.cache
def html() -> Environment:
    """For the page."""
    # Made once, like the other: an auditor that read its templates anew for each report would
    # leave its memory in pieces.
    return _environment(autoescape=True)


@functools.cache
def markdown() -> Environment:
    """For Markdown, which some readers show as HTML: no value can begin a tag or a table cell."""
    environment = _environment(autoescape=False)
    environment.finalize = escaped
    return environment


def escaped(value: object) -> object:
    """A value as Markdown that reads as that value, on one line."""
    if not isinstance(value, str):
        return value
    line = " ".join(value.split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _STARTS.sub(r"\1\\\2", _MARKS.sub(r"\\\1", line))


def _environment(*, autoescape: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=autoescape,  # noqa: S701 - where it is off, `escaped` is on
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": figures.number,
        "score": figures.score,
        "decibels": figures.decibels,
        "percent": figures.percent,
        "limits": figures.limits,
        "limits_db": figures.limits_db,
        "limits_percent": figures.limits_percent,
        "limits_number": figures.limits_number,
    }
    environment.globals |= {
        "cells": cells,
        "ladder": ladder,
        "shown": view,
        "words": words,
    }
    return environment
