"""Networks as an operator might bring them: functions that a catalogue names."""

from __future__ import annotations

from typing import NoReturn

import torch
from benchmarks.audit.resnet20 import Resnet20
from torch import Tensor, nn


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


def lacking() -> NoReturn:
    """Needs what is not installed."""
    raise ModuleNotFoundError("No module named 'timm'")


def number() -> int:
    """Gives no network."""
    return 7


def renamed() -> nn.Module:
    """Reads files in which its parameters have other names."""
    model = small(3)

    def rename(state: dict[str, Tensor], *_: object) -> None:
        for name in list(state):
            state[name.removeprefix("old.")] = state.pop(name)

    model._register_load_state_dict_pre_hook(rename)
    return model


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
