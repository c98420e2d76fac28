"""Stages one after the other, before and after they have learnt what they need."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from preimage_worker.inversion.counter import hash64
from preimage_worker.inversion.defences.bases import Projection
from preimage_worker.inversion.defences.fitted import Fitted, Learnt
from preimage_worker.inversion.defences.stage import Form, Map, Noise, Stage
from preimage_worker.inversion.errors import DefenceError
from preimage_worker.inversion.representations.layouts import Layout

_FITTING = 0x464954  # the seed of the noise that later stages are fitted to


@final
@dataclass(frozen=True)
class Chain:
    """A defence: its stages in order. Without any, codes are released as they are."""

    stages: tuple[Stage, ...] = ()

    @property
    def deterministic(self) -> bool:
        """Whether the same picture always gives the same release."""
        return not any(isinstance(stage, Noise) for stage in self.stages)

    @property
    def keyed(self) -> bool:
        """Whether some of it only the owner knows."""
        return any(isinstance(stage, Projection) and stage.keyed for stage in self.stages)

    def fit(self, codes: Tensor, *, layout: Layout | None = None, key: int = 0) -> Fitted:
        """The defence with what its stages learn from codes of other pictures.

        Each stage sees what the ones before it release.

        Args:
            codes: clean, `(pictures, *code_shape)`; not of the pictures that are to be protected.
            layout: what the axes of a code are; None to tell from their number.
            key: the owner's secret, 64 bits.

        Raises:
            DefenceError: a stage is not for such codes, or learns nothing from so few.
        """
        if not len(codes) or not bool(codes.isfinite().all()):
            raise DefenceError(
                "A defence is fitted to the finite codes of at least one picture; there are "
                f"{len(codes)} codes, with {int((~codes.isfinite()).sum())} elements that are not "
                "finite."
            )
        shape = tuple(codes.shape[1:])
        form, now = Form(shape, layout or Layout.of_axes(shape)), codes.detach().float()
        fitted = Fitted((), form)
        for number, stage in enumerate(self.stages):
            learnt = Learnt(stage, form, stage.fit(now, form, key))
            form = learnt.after
            fitted = Fitted((*fitted.stages, learnt), fitted.form)
            if number + 1 < len(self.stages):  # the next one learns from what this one releases
                released = now.new_empty(len(now), *form.shape)
                for index, (place, code) in enumerate(zip(released, now, strict=True)):
                    place.copy_(learnt.release(code, hash64(_FITTING, index, number)))
                now = released
        return fitted

    def restore(
        self,
        shape: tuple[int, ...],
        tensors: Mapping[str, Tensor],
        *,
        layout: Layout | None = None,
    ) -> Fitted:
        """The fitted defence that gave these `Fitted.tensors`.

        Args:
            shape: of the codes that it was fitted to, without the lane axis.
            tensors: by the names that `Fitted.tensors` gave.
            layout: as for `fit`.

        Raises:
            DefenceError: a tensor is missing.
        """
        form, stages = Form(shape, layout or Layout.of_axes(shape)), list[Learnt]()
        first = form
        for number, stage in enumerate(self.stages):
            prefix = f"{number}.{stage.name}."
            own = {
                name.removeprefix(prefix): tensor
                for name, tensor in tensors.items()
                if name.startswith(prefix)
            }
            try:
                learnt = Learnt(stage, form, own)
                form = learnt.after
                _try(learnt)
            except (KeyError, RuntimeError) as error:
                raise DefenceError(
                    f"What stage {number + 1}, {stage.name}, has learnt is missing or of another "
                    f"defence ({error}); fit the defence again."
                ) from error
            stages.append(learnt)
        return Fitted(tuple(stages), first)


def _try(learnt: Learnt) -> None:
    """Raises unless the stage has all that it needs for codes of its form."""
    zeros = torch.zeros(
        learnt.form.shape, device=next(iter(learnt.statistics.values()), torch.empty(0)).device
    )
    released = learnt.release(zeros, 0)
    learnt.lift(released[None])
    if isinstance(learnt.stage, Map) and released.shape != learnt.after.shape:
        raise RuntimeError(f"shape {tuple(released.shape)}")
