"""Objects of Kubernetes, KEDA and the Prometheus operator against their published schemas."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import kubernetes_validate
from cloudcoil.models.keda import v1alpha1 as keda
from cloudcoil.models.prometheus_operator import v1 as operator

from tests.deploy.rendering import Documents

OLDEST: Final = "1.27"
"""The chart's kubeVersion."""
NEWEST: Final = kubernetes_validate.latest_version()

_CUSTOM: Final[Mapping[str, Any]] = {
    "ScaledObject": keda.ScaledObject,
    "PodMonitor": operator.PodMonitor,
    "PrometheusRule": operator.PrometheusRule,
}


class InvalidError(Exception):
    """An object is none of its kind."""


def validate(document: dict[str, Any]) -> None:
    """Check one object.

    Raises:
        InvalidError: a field is missing, unknown, or of another type.
    """
    if document["kind"] in _CUSTOM:
        _validate_custom(document)
        return
    for version in (OLDEST, NEWEST):
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            raise InvalidError(error.message) from None


def _validate_custom(document: dict[str, Any]) -> None:
    """The models pass over what they do not know: what comes back must be what went in."""
    model = _CUSTOM[document["kind"]]
    try:
        read = model.model_validate(document)
    except ValueError as error:
        raise InvalidError(str(error)) from None
    back = read.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if back != document:
        raise InvalidError(f"{document['kind']}: unknown fields, {back} of {document}")


def of_kind(documents: Documents, kind: str) -> dict[str, dict[str, Any]]:
    """The objects of a kind by their names."""
    return {name: each for (found, name), each in documents.items() if found == kind}


def containers(documents: Documents) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Name of each deployment, its pod's spec, and its one container."""
    for name, deployment in of_kind(documents, "Deployment").items():
        pod = deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        yield name, pod, container


def environment(container: Mapping[str, Any]) -> dict[str, str]:
    """The variables of a container."""
    return {each["name"]: each["value"] for each in container["env"]}


def selects(selector: Mapping[str, str]) -> Callable[[dict[str, Any]], bool]:
    """Whether a deployment makes pods that have these labels."""

    def chosen(deployment: dict[str, Any]) -> bool:
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        return selector.items() <= labels.items()

    return chosen
