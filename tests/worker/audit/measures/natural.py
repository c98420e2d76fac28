"""Pictures for the tests, from 0 to 1, alike to crops of photographs in what matters for chance.

Most of their variance is brightness, the rest has a spectrum that falls as 1 / frequency, colours
are nearly grey, and contrasts differ.
"""

import numpy as np

from preimage_worker.audit.measures.pictures import Floats


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def pictures(count: int, side: int = 16, channels: int = 3, seed: int = 0) -> Floats:
    random = generator(seed)
    brightness = random.uniform(0.15, 0.85, (count, 1, 1, 1))
    contrast = random.uniform(0.01, 0.12, (count, 1, 1, 1))
    grey, colours = (
        _pink(random, (count, 1, side, side)),
        _pink(random, (count, channels, side, side)),
    )
    found = brightness + contrast * (0.9 * grey + 0.3 * colours)
    return np.ascontiguousarray(np.clip(found, 0, 1).transpose(0, 2, 3, 1))


def _pink(random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Each channel with mean 0 and standard deviation 1."""
    frequencies = np.fft.fftfreq(shape[-1])
    radius = np.hypot(frequencies[:, None], frequencies[None])
    radius[0, 0] = np.inf
    pink = np.fft.ifft2(np.fft.fft2(random.normal(size=shape)) / radius).real
    return np.asarray(pink / pink.std((2, 3), keepdims=True))
