"""Pictures of a benchmark to look at: one self-contained HTML page and one PNG contact sheet.

A gallery is rows of tiles, a tile a picture with a caption. The page embeds the pictures at their
own size, so it can be sent around as one file; the sheet shows the same, smaller.
"""

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

_TILE_PIXELS = 224
_CAPTION_PIXELS = 16
_GAP_PIXELS = 8
_HEADING_PIXELS = 24
_SPELT = str.maketrans({"α": "alpha", "β": "beta", "λ": "lambda", "×": "x", "Φ": "Phi", "–": "-"})
"""Letters that the sheet's font does not have."""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
  body {{ font: 15px/1.4 system-ui, sans-serif; margin: 1.5rem; color-scheme: light dark; }}
  h1 {{ font-size: 1.4rem; }} h2 {{ font-size: 1rem; margin: 1.5rem 0 .5rem; }}
  section div {{ display: flex; flex-wrap: wrap; gap: 1rem; }}
  figure {{ margin: 0; width: {tile}px; }} img {{ width: 100%; display: block; }}
  figcaption {{ font-size: .85rem; font-variant-numeric: tabular-nums; }}
</style></head><body><h1>{title}</h1>
{sections}
</body></html>
"""


@final
@dataclass(frozen=True, eq=False)
class Tile:
    """A picture and what to say of it."""

    pixels: NDArray[np.uint8]
    """`(height, width)` or `(height, width, 3)`."""
    caption: str


@final
@dataclass(frozen=True, eq=False)
class Row:
    """Tiles under a heading."""

    heading: str
    tiles: Sequence[Tile]


def write(title: str, rows: Sequence[Row], stem: Path) -> None:
    """Writes `stem`.html and `stem`.png, and their folder where there is none."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    stem.with_name(f"{stem.name}.html").write_text(page(title, rows), "utf-8")
    sheet(rows).save(stem.with_name(f"{stem.name}.png"))


def page(title: str, rows: Iterable[Row]) -> str:
    """The gallery as one HTML file."""
    return _PAGE.format(
        title=escape(title), tile=_TILE_PIXELS, sections="\n".join(_section(row) for row in rows)
    )


def sheet(rows: Sequence[Row]) -> Image.Image:
    """The gallery as one picture, every tile at most 224 pixels a side."""
    bands = [_band(row) for row in rows]
    width = max((band.width for band in bands), default=1)
    canvas = Image.new("RGB", (width, sum(band.height for band in bands) or 1), "white")
    top = 0
    for band in bands:
        canvas.paste(band, (0, top))
        top += band.height
    return canvas


def _band(row: Row) -> Image.Image:
    """A heading, the tiles beside each other, and their captions."""
    thumbnails = [Image.fromarray(tile.pixels).convert("RGB") for tile in row.tiles]
    for each in thumbnails:
        each.thumbnail((_TILE_PIXELS, _TILE_PIXELS))
    step = _TILE_PIXELS + _GAP_PIXELS
    captions = _HEADING_PIXELS + max((each.height for each in thumbnails), default=0)
    size = (len(row.tiles) * step + _GAP_PIXELS, captions + _CAPTION_PIXELS + _GAP_PIXELS)
    band = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(band)
    draw.text((_GAP_PIXELS, 6), _spelt(row.heading), "black")
    for column, (small, tile) in enumerate(zip(thumbnails, row.tiles, strict=True)):
        left = _GAP_PIXELS + column * step
        band.paste(small, (left, _HEADING_PIXELS))
        draw.text((left, captions), _spelt(tile.caption), "black")
    return band


def _spelt(text: str) -> str:
    return text.translate(_SPELT)


def _section(row: Row) -> str:
    figures = "\n".join(
        f'<figure><img alt="" src="data:image/png;base64,{_encoded(tile.pixels)}">'
        f"<figcaption>{escape(tile.caption)}</figcaption></figure>"
        for tile in row.tiles
    )
    return f"<section><h2>{escape(row.heading)}</h2><div>\n{figures}\n</div></section>"


def _encoded(pixels: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")
