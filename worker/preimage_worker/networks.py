"""The networks that this package brings along itself, beside torchvision's.

An architecture is one entry of `NETWORKS`: a function that makes the network with any numbers. It
must also run under `torch.device("meta")`, where the network is described without being computed.
"""

from collections.abc import Callable

from torch import nn

from preimage_worker.inversion.representations.cnn_a import cnn_a

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "cnn_a": cnn_a,
}
"""By the catalogue's `architecture`. Their weights come from a file, or are random."""

SOURCES = {
    "cnn_a": "`preimage weights convert` makes it from the .caffemodel of Caffe's reference model",
}
"""How the file of a network is had, for whoever has none."""
