"""From one boundary to the next: k steps, then one small copy of per-lane numbers to the host."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from preimage_worker.inversion.lane import Curve, Lane
from preimage_worker.inversion.repulsion import circles
from preimage_worker.inversion.shared_setup import Setup
from preimage_worker.inversion.state import Lanes, rejoin, split
from preimage_worker.inversion.step import step
from preimage_worker.inversion.weights import controls, weigh


class Taken(NamedTuple):
    """What some steps led to."""

    state: Lanes
    """After them."""
    curves: list[Curve]
    """Each lane's terms, `(steps, 5)`."""
    finite: list[bool]
    """Whether each lane's canvas is; its objective's last value was measured before it."""


def take_steps(setup: Setup, lanes: Sequence[Lane], state: Lanes, steps: int) -> Taken:
    """Take `steps` steps with every lane; none may have fewer left.

    Lanes that do not pass through the representation together take them one portion after the
    other, unless they push each other: what a step works on is then small enough for a core's cache
    and is not copied to lie beside that of other lanes.
    """
    state = state._replace(buffers=setup.method.transform.own(state.buffers))
    portions = setup.portions(len(lanes))
    if len(portions) == 1 or circles([lane.repulsion for lane in lanes]):
        return _take(setup, lanes, state, steps)
    before = split(state, portions)
    taken = [
        _take(setup, lanes[some], part, steps) for some, part in zip(portions, before, strict=True)
    ]
    return Taken(
        rejoin(state, before, [part.state for part in taken]),
        [curve for part in taken for curve in part.curves],
        [sound for part in taken for sound in part.finite],
    )


def _take(setup: Setup, lanes: Sequence[Lane], state: Lanes, steps: int) -> Taken:
    """Take the steps with all of these lanes at once; their buffers may be written to."""
    moves = [lane.moves(steps) for lane in lanes]
    control = controls(moves, setup.device)
    weights, terms = weigh(lanes, setup.method, state.canvas), []
    for number in range(steps):
        now = [lane[number] for lane in moves]
        settling = [i for i, move in enumerate(now) if lanes[i].jittered and not move.jittered]
        if settling:
            state = _settle(state, lanes, settling, setup)
            lanes = [
                replace(lane, jittered=lane.jittered and i not in settling)
                for i, lane in enumerate(lanes)
            ]
            weights = weigh(lanes, setup.method, state.canvas)
        offsets = [move.offset for move in now]
        state, measured = step(setup, state, weights, control[number], offsets)
        terms.append(measured)
    return Taken(state, *_to_host(torch.stack(terms), state.canvas))


def _settle(state: Lanes, lanes: Sequence[Lane], settling: Sequence[int], setup: Setup) -> Lanes:
    """These lanes give up their margin: the delivered crop moves to the upper left corner.

    From here on their priors see the picture alone, as in the released code, which starts its last
    phase from the crop.
    """
    canvas, kept = state.canvas.clone(), state.kept.clone()
    for before, after in ((state.canvas, canvas), (state.kept, kept)):
        for index in settling:
            row, column = lanes[index].delivered_offset
            inside = before[index, :, row : row + setup.height, column : column + setup.width]
            after[index] = 0
            after[index, :, : setup.height, : setup.width] = inside
    return state._replace(canvas=canvas, kept=kept)


def _to_host(terms: Tensor, canvas: Tensor) -> tuple[list[Curve], list[bool]]:
    """Terms `(steps, lanes, 5)` lane by lane, and whether each lane's canvas is finite."""
    steps, lanes, columns = terms.shape
    sound = canvas.flatten(1).sum(1).isfinite()
    numbers = torch.cat((terms.flatten(), sound.float())).cpu().numpy()
    table = numbers[:-lanes].reshape(steps, lanes, columns)
    curves = [np.ascontiguousarray(table[:, lane]) for lane in range(lanes)]
    return curves, [bool(flag) for flag in numbers[-lanes:]]
