"""The page of the demonstration: originals above pre-images, one row a representation."""

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from string import Template
from urllib.parse import quote

import preimage
from preimage.cli.demo.pictures import DemoPicture
from preimage.cli.demo.run import Row

__all__ = ["write_page"]

_LONGEST_SIDE = 512
_JPEG_QUALITY = 90


def write_page(
    out: Path, pictures: Sequence[DemoPicture], rows: Sequence[Row], notes: Iterable[str]
) -> None:
    """Writes `out`/index.html and the picture files that it shows, in `out`/pictures."""
    folder = out / "pictures"
    folder.mkdir(exist_ok=True)
    _save_pictures(folder, pictures, rows)
    sections = [_originals(pictures)]
    for entry, of_entry in groupby(rows, key=lambda row: row.entry):
        figures = map(_figure, of_entry)
        sections.append(_section(entry.title, entry.sentence, figures))
    template = Template(files(__package__).joinpath("page.html").read_text("utf-8"))
    page = template.substitute(
        columns=len(pictures),
        notes="\n".join(f'<p class="soft">{escape(note)}</p>' for note in notes),
        rows="\n".join(sections),
        version=escape(preimage.__version__),
    )
    (out / "index.html").write_text(page, "utf-8")


def _save_pictures(folder: Path, pictures: Sequence[DemoPicture], rows: Sequence[Row]) -> None:
    for picture in pictures:
        small = picture.thumbnail(_LONGEST_SIDE)
        small.save(folder / f"{picture.name}.jpg", quality=_JPEG_QUALITY)
    for row in rows:
        if row.result:
            row.result.save(folder / f"{row.stem}.png")


def _originals(pictures: Sequence[DemoPicture]) -> str:
    figures = (
        f"<figure>{_image(f'{picture.name}.jpg', picture, f'{picture.name}, the original')}"
        f"<figcaption>{escape(picture.name)}</figcaption></figure>"
        for picture in pictures
    )
    return _section("Originals", "What the codes were computed from.", figures)


def _figure(row: Row) -> str:
    if row.result is None:
        return f"<figure><figcaption>{escape(str(row.error))}</figcaption></figure>"
    errors, fidelity = row.result.errors, row.result.fidelity
    likeness = f"<br>PSNR {fidelity.psnr_db:.1f} dB" if fidelity else ""
    alternative = f"{row.picture.name}, inverted from {row.entry.title}"
    return (
        f"<figure>{_image(f'{row.stem}.png', row.picture, alternative)}"
        f"<figcaption>error {errors.relative_delivered:.1%}{likeness}</figcaption></figure>"
    )


def _section(title: str, sentence: str, figures: Iterable[str]) -> str:
    pictures = "\n".join(figures)
    return (
        f"<section><div><h2>{escape(title)}</h2>"
        f'<p class="soft">{escape(sentence)}</p></div>\n'
        f'<div class="pictures">\n{pictures}\n</div></section>'
    )


def _image(file: str, picture: DemoPicture, alternative: str) -> str:
    """A picture in the proportions of its original, which whole cells match only nearly."""
    return (
        f'<img src="pictures/{quote(file)}" alt="{escape(alternative)}" loading="lazy" '
        f'style="aspect-ratio: {picture.size.width} / {picture.size.height}">'
    )
