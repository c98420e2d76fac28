"""CNN-A, the network of Mahendran & Vedaldi 2015: Caffe's reference model, its 20 layers by name.

Krizhevsky, Sutskever & Hinton's network (2012) as Jia et al. (2014) train it: pooling before
normalisation, groups in conv2, conv4 and conv5. It takes RGB of 227 × 227 pixels in grey levels
minus the mean. Where Caffe differs from torch's habits, this follows Caffe: pooling windows may
reach over the border (ceil mode), and the normalisation `x / (1 + α/n Σ x²)^β` runs over the n = 5
neighbouring channels, which is what torch computes too. Dropout is left out, since codes are
computed as at test time, and no layer overwrites another's output.
"""

from collections import OrderedDict

from torch import nn

CLASSES = 1000


def cnn_a() -> nn.Sequential:
    """The network with random weights; `convert_caffe` makes a file of the trained ones.

    Weights are normal with variance 2 / fan-in (He et al. 2015), so that codes of all layers have
    about the size of the input's grey levels; biases are zero.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(3, 96, 11, stride=4),
        relu1=nn.ReLU(),
        mpool1=_pool(),
        norm1=_norm(),
        conv2=nn.Conv2d(96, 256, 5, padding=2, groups=2),
        relu2=nn.ReLU(),
        mpool2=_pool(),
        norm2=_norm(),
        conv3=nn.Conv2d(256, 384, 3, padding=1),
        relu3=nn.ReLU(),
        conv4=nn.Conv2d(384, 384, 3, padding=1, groups=2),
        relu4=nn.ReLU(),
        conv5=nn.Conv2d(384, 256, 3, padding=1, groups=2),
        relu5=nn.ReLU(),
        mpool5=_pool(),
        flatten=nn.Flatten(),
        fc6=nn.Linear(256 * 6 * 6, 4096),
        relu6=nn.ReLU(),
        fc7=nn.Linear(4096, 4096),
        relu7=nn.ReLU(),
        fc8=nn.Linear(4096, CLASSES),
    )
    for layer in layers.values():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            _draw(layer)
    return nn.Sequential(layers)


def _pool() -> nn.Module:
    return nn.MaxPool2d(3, stride=2, ceil_mode=True)


def _norm() -> nn.Module:
    return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1)


def _draw(layer: nn.Conv2d | nn.Linear) -> None:
    assert layer.bias is not None
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)
