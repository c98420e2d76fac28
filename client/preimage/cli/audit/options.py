"""Options that the audit's commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, cast, final

import typer

from preimage.audits.request import AuditSettings, Rung
from preimage.cli.audit.gates import Gate, read_gate
from preimage.cli.values import read_size
from preimage.parts import Size

__all__ = ["FailIf", "Out", "Subject", "read_gates"]


class Independent(NamedTuple):
    """The model that judges reconstructions: an option must have one type."""

    model: str
    layer: str


def _read_independent(text: str) -> Independent:
    model, _, layer = text.partition(":")
    if not (model and layer):
        raise typer.BadParameter(f"{text!r} is not MODEL:LAYER, like resnet50:avgpool.")
    return Independent(model, layer)


def _read_rungs(text: str | None) -> list[Rung] | None:
    return None if text is None else [cast("Rung", each.strip()) for each in text.split(",")]


FailIf = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FIGURE>NUMBER",
        help="End with 2 if the worst row has this, like 'fve.p90>0.2', or "
        "'fve.p90>0.2@layer1/gaussian*' for some of the rows; may be repeated.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", file_okay=False, help="Folder for the four files of the report."),
]


def read_gates(texts: list[str] | None) -> list[Gate]:
    """Reads --fail-if. What is wrong with it ends with 1: 2 says that a gate failed.

    Raises:
      BadInput: one is no gate.
    """
    return [read_gate(text) for text in texts or ()]


@final
@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is audited, and how."""

    model: Annotated[str, typer.Option(help="Name of the model whose codes would be shared.")]
    layers: Annotated[
        str, typer.Option(metavar="LAYER,LAYER…", help="Its layers, with commas between them.")
    ]
    defence: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STAGE:SETTING=VALUE,VALUE…+…",
            help="A defence, or with several values several; may be repeated. Codes without a "
            "defence are audited always.",
        ),
    ] = None
    profile: Annotated[
        Literal["quick", "standard", "thorough"],
        typer.Option(help="What the attacks may spend. quick shows leaks, never their absence."),
    ] = "quick"
    independent: Annotated[
        Independent | None,
        typer.Option(
            parser=_read_independent,
            metavar="MODEL:LAYER",
            help="Another model, of another architecture, that judges reconstructions.",
        ),
    ] = None
    input_size: Annotated[
        Size | None,
        typer.Option(
            parser=read_size,
            metavar="HEIGHTxWIDTH",
            help="Resize pictures to this. [default: the model's input size]",
        ),
    ] = None
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything that is drawn.")] = 0
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of the first budget. [default: the profile's]")
    ] = None
    doublings: Annotated[
        int | None,
        typer.Option(min=0, help="How often the budget may double. [default: the profile's]"),
    ] = None
    restarts: Annotated[
        int | None,
        typer.Option(min=1, help="Restarts of each inversion. [default: the profile's]"),
    ] = None
    preset: Annotated[str | None, typer.Option(help="Preset of the attacks. [default: auto]")] = (
        None
    )
    rungs: Annotated[
        str | None,
        typer.Option(
            metavar="RUNG,RUNG…",
            help="Attackers to try, of B1, L1, A1, A2, A3, A4; without one of them no absence can "
            "be shown. [default: all]",
        ),
    ] = None
    releases: Annotated[
        int,
        typer.Option(min=1, help="Noisy releases of each code that the receiver has."),
    ] = 1

    @property
    def names(self) -> list[str]:
        """The layers."""
        return [name.strip() for name in self.layers.split(",") if name.strip()]

    def settings(self) -> AuditSettings:
        """The rest as keyword arguments of the SDK."""
        return AuditSettings(
            defences=self.defence or (),
            profile=self.profile,
            independent=self.independent,
            input_size=self.input_size,
            seed=self.seed,
            steps=self.steps,
            doublings=self.doublings,
            restarts=self.restarts,
            preset=self.preset,
            rungs=_read_rungs(self.rungs),
            releases=self.releases,
        )
