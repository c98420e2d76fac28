"""What the processes export, from where it is declared: names of series, and their labels."""

from collections.abc import Iterator
from typing import Any

from prometheus_client.metrics import MetricWrapperBase

from preimage_service.metrics import Meters
from preimage_worker import metrics

_SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
    "info": ("_info",),
}


def exported() -> dict[str, set[str]]:
    """Labels by the name of the series; where both kinds of processes have it, those of both."""
    found: dict[str, set[str]] = {}
    for owner in (vars(Meters()), vars(metrics)):
        for name, labels in _declared(owner):
            found.setdefault(name, set()).update(labels)
    found["preimage_worker_build_info"].update(_info_labels())
    return found


def _declared(owner: dict[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for metric in owner.values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            for suffix in _SUFFIXES[family.type]:
                own = ("le",) if suffix == "_bucket" else ()
                yield family.name + suffix, (*metric._labelnames, *own)


def _info_labels() -> set[str]:
    (family,) = metrics.BUILD.collect()
    return {label for sample in family.samples for label in sample.labels}
