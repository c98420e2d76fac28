"""The options that weigh the objective and the priors."""

from dataclasses import dataclass
from typing import Annotated, final

import typer

from preimage.cli.values import Strength, read_strength
from preimage.request import AlphaForm, Settings

__all__ = ["Terms"]

_TERMS = "Objective and priors"


@final
@dataclass(frozen=True, kw_only=True)
class Terms:
    """Weights and exponents; each field is the option of the same name."""

    data_weight: Annotated[
        float | None,
        typer.Option(help="Weight C of the data term, > 0.", rich_help_panel=_TERMS),
    ] = None
    prior_weight: Annotated[
        Strength | None,
        typer.Option(
            parser=read_strength,
            metavar="FACTOR|auto[:MULTIPLE[:ERROR]]",
            help="Multiplies the weights of all priors. auto: the largest factor whose relative "
            "error is at most MULTIPLE (2) times the noise floor plus ERROR (0.02). [default: 1]",
            rich_help_panel=_TERMS,
        ),
    ] = None
    tv_weight: Annotated[
        float | None,
        typer.Option(help="Weight λ_V of total variation, ≥ 0.", rich_help_panel=_TERMS),
    ] = None
    tv_exponent: Annotated[
        float | None,
        typer.Option(help="Exponent β of total variation, 1 to 4.", rich_help_panel=_TERMS),
    ] = None
    alpha_weight: Annotated[
        float | None,
        typer.Option(help="Weight λ_α of the α-norm, ≥ 0.", rich_help_panel=_TERMS),
    ] = None
    alpha_exponent: Annotated[
        float | None,
        typer.Option(help="Exponent α of the α-norm, 1 to 12.", rich_help_panel=_TERMS),
    ] = None
    alpha_form: Annotated[
        AlphaForm | None,
        typer.Option(
            help="Which magnitude the α-norm takes: of each channel (2015), or of the colour "
            "vector of each pixel (2016). [default: the preset's]",
            rich_help_panel=_TERMS,
        ),
    ] = None
    bound: Annotated[
        float | None,
        typer.Option(
            help="Longest colour vector of a pixel around the mean, in grey levels; 0: no bound. "
            "[default: the preset's]",
            rich_help_panel=_TERMS,
        ),
    ] = None

    def settings(self) -> Settings:
        """The same as keyword arguments of the SDK."""
        return Settings(
            data_weight=self.data_weight,
            prior_weight=self.prior_weight and self.prior_weight.prior_weight,
            tv_weight=self.tv_weight,
            tv_exponent=self.tv_exponent,
            alpha_weight=self.alpha_weight,
            alpha_exponent=self.alpha_exponent,
            alpha_form=self.alpha_form,
            bound=self.bound,
        )
