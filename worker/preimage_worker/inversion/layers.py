"""What the published recipes set by layer: which layer of the papers a node is, and the tables.

The papers' network, CNN-A, is Caffe's AlexNet (`representations.cnn_a`); torchvision's has neither
normalisation layers nor groups and other widths, so its errors are not comparable with the papers'
even where the layers are called the same.
"""

SHALLOW = frozenset({"hog", "hogb", "dsift"})
"""The papers' representations that are no networks, by `Representation.model`."""

_ALEXNET = {
    "features.0": "conv1",
    "features.1": "relu1",
    "features.2": "mpool1",
    "features.3": "conv2",
    "features.4": "relu2",
    "features.5": "mpool2",
    "features.6": "conv3",
    "features.7": "relu3",
    "features.8": "conv4",
    "features.9": "relu4",
    "features.10": "conv5",
    "features.11": "relu5",
    "features.12": "mpool5",
    "avgpool": "mpool5",
    "flatten": "mpool5",
    "classifier.0": "mpool5",
    "classifier.1": "fc6",
    "classifier.2": "relu6",
    "classifier.3": "relu6",
    "classifier.4": "fc7",
    "classifier.5": "relu7",
    "classifier.6": "fc8",
}
_PAPER = (
    *("conv1", "relu1", "mpool1", "norm1", "conv2", "relu2", "mpool2", "norm2", "conv3", "relu3"),
    *("conv4", "relu4", "conv5", "relu5", "mpool5", "fc6", "relu6", "fc7", "relu7", "fc8"),
)
_CAFFE = {"pool1": "mpool1", "pool2": "mpool2", "pool5": "mpool5"}
"""Names of the reference model's own definition, where they are not the papers'."""


def paper_layer(model: str, node: str) -> int | None:
    """Number of the node among CNN-A's layers, 1 (conv1) to 20 (fc8); None if it is none of them.

    torchvision's "alexnet" by its nodes; any model whose nodes bear the papers' or Caffe's names by
    those.
    """
    name = _ALEXNET.get(node, node) if model == "alexnet" else _CAFFE.get(node, node)
    return _PAPER.index(name) + 1 if name in _PAPER else None


def total_variation_2015(model: str, node: str, stride: float) -> float:
    """λ_V of Mahendran & Vedaldi 2015: 0.5 for layers 1 to 6, 5 for 7 to 12, 50 for 13 to 20.

    0.5 also for HOG, HOGb and DSIFT, as in the released `experiment_shallow_quantitative`. Other
    networks have no table: there the layer's stride stands in for its depth, with the strides that
    CNN-A has at the two limits: up to 8 pixels as layers 1 to 6, up to 16 as 7 to 12, above as 13
    to 20.
    """
    if model in SHALLOW:
        return 0.5
    number = paper_layer(model, node)
    if number is not None:
        return _by_limit(number, ((6, 0.5), (12, 5.0)), 50.0)
    return _by_limit(stride, ((12.0, 0.5), (24.0, 5.0)), 50.0)


def data_weight_2016(model: str, node: str) -> float:
    """C of Mahendran & Vedaldi 2016: 300 up to relu3, 100 at conv4, 20 at conv5, 1 from mpool5 on.

    100 for HOG, HOGb and DSIFT. Other networks have no table and take 300.
    """
    if model in SHALLOW:
        return 100.0
    number = paper_layer(model, node)
    if number is None:
        return 300.0
    return _by_limit(number, ((10, 300.0), (12, 100.0), (14, 20.0)), 1.0)


def _by_limit(value: float, table: tuple[tuple[float, float], ...], beyond: float) -> float:
    """The entry of the first limit that `value` does not exceed."""
    return next((entry for limit, entry in table if value <= limit), beyond)
