"""Models of the catalogue, as an audit sees them."""

from typing import final

from preimage_worker.audit.subject import Independent, Scores
from preimage_worker.axes import LAYOUTS
from preimage_worker.inversion.representations.base import Representation
from preimage_worker.inversion.representations.layouts import Layout
from preimage_worker.models import Models


@final
class CatalogueSubject:
    """A `Subject`."""

    def __init__(self, models: Models, name: str) -> None:
        """A model by its name.

        Raises:
            InvalidSpecError: it cannot be used here.
        """
        self._models = models
        self._announced = models.served(name).announcement

    @property
    def name(self) -> str:
        """In the catalogue."""
        return self._announced.name

    @property
    def digest(self) -> str:
        """Of model and weights."""
        return self._announced.digest

    def representation(self, layer: str) -> Representation:
        """Φ of a layer.

        Raises:
            InvalidSpecError: there is no such layer.
        """
        return self._models.representation(self.name, layer)

    def layout(self, layer: str) -> Layout | None:
        """What the axes of a layer's codes are, as announced."""
        return next(
            (LAYOUTS.get(each.layout) for each in self._announced.layers if each.name == layer),
            None,
        )

    def rest(self, layer: str) -> Scores | None:
        """The network behind a layer, where the model classifies."""
        return self._models.rest(self.name, layer)


def independent(models: Models, name: str, layer: str, size: tuple[int, int]) -> Independent:
    """Another model, as a judge.

    Args:
        models: the catalogue's.
        name: of the model.
        layer: of it, in which pictures are compared.
        size: height and width of the audit's pictures, which a model of any size sees as they are.

    Raises:
        InvalidSpecError: it cannot be used here.
    """
    announced = models.served(name).announcement
    own = announced.preprocessing.input_size
    if not announced.preprocessing.any_size:
        size = own.height, own.width
    return Independent(
        name=announced.name,
        digest=announced.digest,
        representation=models.representation(name, layer),
        height=size[0],
        width=size[1],
        classify=models.classifier(name),
    )
