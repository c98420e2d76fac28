"""The options of `preimage invert` alone: which layers, how codes are compared, repulsion."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, final

import typer

from preimage.cli.specification import STOP
from preimage.cli.values import LayerCode, LayerWeight, read_layer, read_layer_code
from preimage.kinds import POSITIVE
from preimage.parts import Mask, Repulsion
from preimage.request import Loss, Settings
from preimage.sources import CodeSource, Source, is_code_path

__all__ = ["Matching"]

_CODES = "How codes are compared"
_OPEN = "What the code leaves open"


@final
@dataclass(frozen=True, kw_only=True)
class Matching:
    """Which codes to match, and how; each field is the option of the same name."""

    layer: Annotated[
        list[LayerWeight],
        typer.Option(
            parser=read_layer,
            metavar="LAYER[=WEIGHT]",
            help="Name of a layer, as `preimage models MODEL` lists them; repeated: a weighted "
            "mean over layers.",
        ),
    ]
    code: Annotated[
        list[LayerCode] | None,
        typer.Option(
            parser=read_layer_code,
            metavar="LAYER=FILE",
            help="Code of a further layer, where CODE is that of the first; may be repeated.",
            rich_help_panel=_CODES,
        ),
    ] = None
    loss: Annotated[
        Loss,
        typer.Option(
            help="Squared distance, cosine of the angle, or squared distance over a --variance.",
            rich_help_panel=_CODES,
        ),
    ] = "squared"
    variance: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Variances for --loss mahalanobis, in the code's shape: .npy or .safetensors.",
            rich_help_panel=_CODES,
        ),
    ] = None
    target_error: Annotated[
        float | None,
        typer.Option(help="Stop at this relative error, like 0.05.", rich_help_panel=STOP),
    ] = None
    repulsion: Annotated[
        float | None,
        typer.Option(
            metavar="WEIGHT",
            help="Push restarts apart with this weight; needs --error-budget. [default: 1 with it]",
            rich_help_panel=_OPEN,
        ),
    ] = None
    error_budget: Annotated[
        float | None,
        typer.Option(
            help="Push restarts apart as long as their relative errors are below this; needs "
            "--preset mv2016 or mv2015.",
            rich_help_panel=_OPEN,
        ),
    ] = None

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers."""
        return tuple(each.layer for each in self.layer)

    def settings(self, mask: Mask | None) -> Settings:
        """The same as keyword arguments of the SDK; a mask is that of the first layer.

        Raises:
          BadInput: the weight of the only layer is none.
        """
        settings = Settings(
            loss=self.loss,
            variance=self.variance,
            target_error=self.target_error,
            repulsion=self._repulsion(),
            mask=mask,
        )
        if len(self.layer) > 1:
            settings["layers"] = {each.layer: each.weight for each in self.layer}
            settings["mask"] = mask and {self.layer[0].layer: mask}
        else:  # its weight changes nothing, and is not sent
            POSITIVE.check(f"layers[{self.layer[0].layer!r}]", self.layer[0].weight)
        return settings

    def source(self, first: Path) -> Source:
        """What is inverted: a file, or the codes of several layers.

        Raises:
          typer.BadParameter: --code stands beside a picture, or does not name the further layers.
        """
        further: dict[str, CodeSource] = {each.layer: each.file for each in self.code or ()}
        if not further:
            return first
        if not is_code_path(first):
            raise typer.BadParameter(
                f"--code is for codes, and {first} is a picture: give the code of "
                f"{self.layers[0]} in its place, or leave --code out."
            )
        if set(further) != set(self.layers[1:]):
            wanted = ", ".join(self.layers[1:]) or "none"
            raise typer.BadParameter(f"--code must name each further --layer once: {wanted}.")
        return {self.layers[0]: first, **further}

    def check(self) -> None:
        """Checks what a request could not say.

        Raises:
          typer.BadParameter: a layer is named twice, or --repulsion stands alone.
        """
        if len(set(self.layers)) < len(self.layers):
            raise typer.BadParameter("--layer names a layer twice.")
        if self.repulsion is not None and self.error_budget is None:
            raise typer.BadParameter("--repulsion needs an --error-budget, like 0.1.")

    def _repulsion(self) -> Repulsion | None:
        if self.error_budget is None:
            return None
        return Repulsion(self.error_budget, 1.0 if self.repulsion is None else self.repulsion)
