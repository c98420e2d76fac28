"""Pictures to look at: what the codes of SqueezeNet 1.0 hold, and what they leave open.

    python -m benchmarks.figures [--figures central,channels,restarts,spikes,maximise,caricature]
                                 [--pictures DIR] [--limit N] [--preset auto]
                                 [--activation-preset mv2016] [--layers features.1,…]
                                 [--steps N] [--json FILE] [--gallery STEM] [--device cpu|cuda]

- central: only the central 5 × 5 positions of a code count; the rest of the picture stays grey;
- channels: only the first, or the second, half of the channels counts;
- restarts: several pre-images of one code; those of a deep layer differ, of a shallow one do not;
- spikes: total variation with β = 1 shows spikes, with β = 2 none; always by mv2016;
- maximise: what raises a channel or the score of a class;
- caricature: what a layer sees in a picture, exaggerated.

`--layers` keeps the panels of these layers only. Each row has a few numbers beside its pictures, so
that what is seen can be said: `outside_rms`, grey levels off the mean outside the field of view;
`spikes`, the share of pixels further than 25 grey levels from the median of the 3 × 3 around them;
`restart_distance`, the root mean square between two restarts, in grey levels.
"""

import argparse
import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, final

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from benchmarks import gallery, subjects
from benchmarks.canvases import delivered_pixels, psnr_db
from benchmarks.inverting import Solved, solve
from benchmarks.measure import surroundings
from benchmarks.panels import FIGURES, Panel, Strip
from benchmarks.pictures import Picture, Pixels, load
from preimage.v1 import work_pb2
from preimage_worker import device as devices
from preimage_worker import pictures as encoding
from preimage_worker.errors import InvalidSpecError
from preimage_worker.inversion.presets import ACTIVATION_PRESETS, PRESETS
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.settings import Loss
from preimage_worker.spec import Plan, plan, sent_picture

SPIKE_GREY_LEVELS = 25
_DIGEST = "picture"
_LIMITS = encoding.Limits(sent=2**25, sought=2**22)


@final
@dataclass(frozen=True)
class Studio:
    """Where panels are made."""

    device: torch.device

    def plan(self, panel: Panel, picture: Picture) -> Plan:
        """The panel as the worker would run it; raises SystemExit with a sentence."""
        name, layer = panel.spec.representation.model, panel.spec.representation.layer
        models = subjects.served(name, self.device)
        item = work_pb2.WorkItem(invert=panel.spec)
        if not item.invert.target.HasField("unit"):
            item.invert.target.picture.SetInParent()
            item.encoded_picture_digest = _DIGEST
        try:
            model, phi = models.served(name).announcement, models.representation(name, layer)
            blobs = {_DIGEST: encoding.png(picture.pixels)}
            sent = sent_picture(item, blobs, _LIMITS)
            return plan(item, blobs, model, phi, sent=sent, limits=_LIMITS, device=self.device)
        except InvalidSpecError as error:
            raise SystemExit(str(error)) from None


class Shown(NamedTuple):
    """A strip as pictures and as numbers."""

    row: gallery.Row
    facts: dict[str, object]


def show(strip: Strip, picture: Picture, studio: Studio) -> Shown:
    """Makes every panel of a strip from one picture."""
    tiles = [gallery.Tile(picture.pixels, picture.name)] if strip.shows_picture else []
    facts = []
    for panel in strip.panels:
        planned = studio.plan(panel, picture)
        solved = solve(planned.representation, planned.problems, studio.device)
        pixels = [delivered_pixels(one.picture, planned.representation) for one in solved]
        numbers = _numbers(planned, solved, pixels)
        facts.append({"panel": panel.caption, "preset": planned.preset, **numbers})
        for one, shown in zip(solved, pixels, strict=True):
            tiles.append(gallery.Tile(shown, f"{panel.caption}: {_words(planned, one, shown)}"))
            if panel.enlarged:
                tiles.append(gallery.Tile(enlarged(shown), panel.caption))
    heading = f"{picture.name}: {strip.heading}" if strip.shows_picture else strip.heading
    source = picture.name if strip.shows_picture else None
    return Shown(
        gallery.Row(heading, tiles), {"strip": strip.heading, "picture": source, "panels": facts}
    )


def _words(planned: Plan, solved: Solved, shown: Pixels) -> str:
    achieved = solved.measured.relative_error_delivered
    if planned.settings.loss is Loss.INNER:
        return f"activation {achieved:.2f}"
    if planned.problems[0].mask is not None:
        return f"{100 * achieved:.1f} %"
    assert planned.original is not None
    return f"{100 * achieved:.1f} %, {psnr_db(shown, planned.original):.1f} dB"


def _numbers(
    planned: Plan, solved: Sequence[Solved], pixels: Sequence[Pixels]
) -> dict[str, object]:
    """What a row says beside its pictures."""
    achieved = [one.measured.relative_error_delivered for one in solved]
    inner = planned.settings.loss is Loss.INNER
    facts: dict[str, object] = {
        "activation" if inner else "relative_error": [round(each, 4) for each in achieved],
        "passes": [one.lane.network_passes for one in solved],
        "spikes": [round(spike_share(each), 4) for each in pixels],
    }
    if planned.problems[0].mask is not None:
        facts["outside_rms"] = [_outside(planned, one) for one in solved]
    if len(pixels) > 1:
        facts["restart_distance"] = round(restart_distance(pixels), 2)
    return facts


def enlarged(pixels: Pixels) -> Pixels:
    """The quarter of each side in the centre, every pixel as a square of four by four."""
    height, width = (side // 4 for side in pixels.shape[:2])
    top, left = (3 * height) // 2, (3 * width) // 2
    centre = pixels[top : top + height, left : left + width]
    return centre.repeat(4, axis=0).repeat(4, axis=1)


def spike_share(pixels: Pixels) -> float:
    """The share of values that stand off the median of the 3 × 3 pixels around them."""
    levels = pixels.astype(np.float32)
    around = ndimage.median_filter(levels, size=(3, 3, *(1,) * (levels.ndim - 2)))
    return float((abs(levels - around) > SPIKE_GREY_LEVELS).mean())


def restart_distance(pixels: Sequence[Pixels]) -> float:
    """The root mean square between two of the pictures, mean over all pairs, in grey levels."""
    pairs = itertools.combinations([each.astype(np.float64) for each in pixels], 2)
    return float(np.mean([np.sqrt(((a - b) ** 2).mean()) for a, b in pairs]))


def _outside(planned: Plan, solved: Solved) -> float | None:
    """The root mean square off the mean colour where the masked code does not look."""
    mask = planned.problems[0].mask
    assert mask is not None
    unseen = ~field_of_view(planned.representation, mask, solved.picture)
    if not unseen.any():
        return None
    return round(float(solved.picture[:, unseen].square().mean().sqrt()), 2)


def field_of_view(phi: Representation, mask: Tensor, like: Tensor) -> Tensor:
    """Which pixels a masked code depends on, `(height, width)`: those with a gradient.

    Of sums of squares over several pictures of noise: hardly a unit is silent for all of them.

    Args:
        phi: Φ.
        mask: m.
        like: a picture `(channels, height, width)` of the size, where Φ runs.
    """
    seen = torch.zeros(like.shape[1:], dtype=torch.bool, device=like.device)
    generator = torch.Generator().manual_seed(0)
    for _ in range(4):
        noise = 60 * torch.randn(like.shape, generator=generator)
        canvas = noise[None].to(like.device).requires_grad_()
        masked = phi(canvas) * mask.to(like.device)
        (pull,) = torch.autograd.grad(masked.square().sum(), canvas)
        seen |= (pull[0] != 0).any(0)
    return seen


def run(options: argparse.Namespace) -> Iterator[Shown]:
    """All figures; those that no picture enters are made once."""
    studio = Studio(subjects.device(options.device))
    size = subjects.SIDE, subjects.SIDE
    pictures = [each.fitted(*size) for each in load(options.pictures, options.limit)]
    for name in options.figures:
        make, of_activations = FIGURES[name]
        for strip in make(options.activation_preset if of_activations else options.preset):
            kept = _kept(strip, options)
            for picture in pictures if strip.shows_picture else pictures[:1]:
                if kept.panels:
                    print(f"{name}: {strip.heading}, {picture.name}", file=sys.stderr)
                    yield show(kept, picture, studio)


def _kept(strip: Strip, options: argparse.Namespace) -> Strip:
    """The strip without other layers, and with as many steps as are asked for."""
    panels = [
        panel
        for panel in strip.panels
        if not options.layers or panel.spec.representation.layer in options.layers
    ]
    if options.steps:
        for panel in panels:
            panel.spec.optimiser.steps = options.steps
    return Strip(strip.heading, tuple(panels), strip.shows_picture)


def main() -> None:
    """The command line."""
    options = _options()
    devices.set_up(torch.get_num_threads())
    shown = list(run(options))
    for each in shown:
        print(f"{each.row.heading}\n{_listed(each.facts)}")
    if options.json:
        facts = {
            "surroundings": surroundings(devices.name(subjects.device(options.device))),
            "seed": 0,
            "strips": [each.facts for each in shown],
        }
        options.json.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", "utf-8")
    if options.gallery:
        gallery.write("What codes hold and leave open", [s.row for s in shown], options.gallery)


def _listed(facts: dict[str, object]) -> str:
    panels = facts["panels"]
    assert isinstance(panels, list)
    return "\n".join(
        "    " + ", ".join(f"{name} {value}" for name, value in panel.items()) for panel in panels
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--figures", type=_names, default=list(FIGURES))
    parser.add_argument("--pictures", type=Path, help="default: PREIMAGE_PICTURES_DIR")
    parser.add_argument("--limit", type=int, default=1, help="pictures by name; 0 for all")
    parser.add_argument("--layers", type=_names)
    parser.add_argument("--preset", default="auto", choices=list(PRESETS))
    parser.add_argument("--activation-preset", default="mv2016", choices=list(ACTIVATION_PRESETS))
    parser.add_argument("--steps", type=int, help="instead of the presets' own, for a first look")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--gallery", type=Path)
    options = parser.parse_args()
    options.limit = options.limit or None
    if unknown := [name for name in options.figures if name not in FIGURES]:
        parser.error(f"there are no figures {unknown}; there are {', '.join(FIGURES)}")
    return options


def _names(text: str) -> list[str]:
    return text.split(",")


if __name__ == "__main__":
    main()
