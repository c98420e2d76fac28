"""Networks as an operator might bring them: functions that a catalogue names."""

from __future__ import annotations

from typing import NoReturn

import torch
from torch import Tensor, nn
from torch.nn.functional import pad


class Block(nn.Module):
    """A basic block whose shortcut has no parameters."""

    def __init__(self, inner: int, outer: int) -> None:
        super().__init__()
        stride = outer // inner
        self.conv1 = nn.Conv2d(inner, outer, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outer)
        self.conv2 = nn.Conv2d(outer, outer, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outer)
        self.stride, self.margin = stride, (outer - inner) // 2

    def forward(self, codes: Tensor) -> Tensor:
        inner = self.bn1(self.conv1(codes)).relu()
        shortcut = codes[:, :, :: self.stride, :: self.stride]
        shortcut = pad(shortcut, (0, 0, 0, 0, self.margin, self.margin))
        outer: Tensor = (self.bn2(self.conv2(inner)) + shortcut).relu()
        return outer


class Resnet20(nn.Module):
    """ResNet-20 for pictures of 32 × 32 pixels (He et al. 2016, section 4.2)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(Block(16, 16), Block(16, 16), Block(16, 16))
        self.layer2 = nn.Sequential(Block(16, 32), Block(32, 32), Block(32, 32))
        self.layer3 = nn.Sequential(Block(32, 64), Block(64, 64), Block(64, 64))
        self.linear = nn.Linear(64, 10)

    def forward(self, pictures: Tensor) -> Tensor:
        codes = self.bn1(self.conv1(pictures)).relu()
        codes = self.layer3(self.layer2(self.layer1(codes)))
        scores: Tensor = self.linear(codes.mean((2, 3)))
        return scores


def resnet20() -> nn.Module:
    """ResNet-20 without its weights."""
    return Resnet20()


def small(channels: int) -> nn.Module:
    """Two convolutions and a head of five classes."""
    layers = (nn.Conv2d(channels, 6, 5, stride=2), nn.ReLU(), nn.Conv2d(6, 8, 3))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))


def grey() -> nn.Module:
    """For grey pictures."""
    return small(1)


def spectral() -> nn.Module:
    """For pictures of five channels."""
    return small(5)


def included() -> nn.Module:
    """With weights of its own."""
    model = small(3)
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.25)
    return model


def broken() -> NoReturn:
    """Fails."""
    raise FileNotFoundError("weights.bin is not there")


def number() -> int:
    """Gives no network."""
    return 7


class Fickle(nn.Module):
    """What it computes depends on what it sees."""

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures if pictures.mean() > 0 else -pictures


def fickle() -> nn.Module:
    """Cannot be traced."""
    return Fickle()


def nowhere() -> nn.Module:
    """Has no numbers."""
    with torch.device("meta"):
        return small(3)
