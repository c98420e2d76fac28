"""ResNet-20 for pictures of 32 x 32 pixels: the network that the audit is proved on.

He, Zhang, Ren & Sun 2016, "Deep residual learning for image recognition", section 4.2. The names of
its parameters are those of the usual files of weights for CIFAR-10.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad


class Block(nn.Module):
    """A basic block whose shortcut has no parameters."""

    def __init__(self, inner: int, outer: int) -> None:
        """From so many channels to so many, with a stride where they grow."""
        super().__init__()
        stride = outer // inner
        self.conv1 = nn.Conv2d(inner, outer, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outer)
        self.conv2 = nn.Conv2d(outer, outer, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outer)
        self.stride, self.margin = stride, (outer - inner) // 2

    def forward(self, codes: Tensor) -> Tensor:
        """Of codes `(n, inner, height, width)`."""
        inner = self.bn1(self.conv1(codes)).relu()
        shortcut = codes[:, :, :: self.stride, :: self.stride]
        shortcut = pad(shortcut, (0, 0, 0, 0, self.margin, self.margin))
        return torch.relu(self.bn2(self.conv2(inner)) + shortcut)


class Resnet20(nn.Module):
    """Without its weights."""

    def __init__(self) -> None:
        """Three stages of three blocks."""
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(Block(16, 16), Block(16, 16), Block(16, 16))
        self.layer2 = nn.Sequential(Block(16, 32), Block(32, 32), Block(32, 32))
        self.layer3 = nn.Sequential(Block(32, 64), Block(64, 64), Block(64, 64))
        self.linear = nn.Linear(64, 10)

    def forward(self, pictures: Tensor) -> Tensor:
        """Scores of ten classes, `(n, 10)`."""
        codes = self.bn1(self.conv1(pictures)).relu()
        codes = self.layer3(self.layer2(self.layer1(codes)))
        scores: Tensor = self.linear(codes.mean((2, 3)))
        return scores
